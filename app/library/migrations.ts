/**
 * The database's history: entry n brings version n to version n + 1. Released entries are never edited; a change is a
 * new entry at the end. Times are milliseconds since the epoch, sizes bytes, booleans 0 or 1.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE items (
    id INTEGER PRIMARY KEY,
    media_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    -- what sorting and searching by name look at
    name_folded TEXT NOT NULL,
    mime TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    access_level TEXT NOT NULL,
    info_hash TEXT,
    piece_length INTEGER,
    is_seeding_wanted INTEGER NOT NULL,
    is_own INTEGER NOT NULL,
    owner TEXT NOT NULL,
    created_at TEXT NOT NULL,
    added_at_ms INTEGER NOT NULL,
    uploaded_bytes INTEGER NOT NULL DEFAULT 0,
    last_served_at_ms INTEGER,
    manifest_version INTEGER NOT NULL,
    -- a new manifest version was being written; read it again after a crash
    is_manifest_pending INTEGER NOT NULL DEFAULT 0,
    file_state TEXT NOT NULL CHECK (file_state IN ('ok', 'checking', 'changed', 'missing')),
    -- size:mtimeNs:inode of the bytes when they were last known to be right
    file_identity TEXT,
    -- the same of bytes that were read and found wrong, so that they are not read again
    bad_identity TEXT,
    -- 0 until the bytes were hashed by us
    is_verified INTEGER NOT NULL,
    failed_step TEXT,
    trashed_at_ms INTEGER,
    needs_attention INTEGER GENERATED ALWAYS AS (file_state IN ('changed', 'missing') OR failed_step IS NOT NULL) VIRTUAL
  ) STRICT;

  CREATE INDEX items_by_added ON items (added_at_ms, id) WHERE trashed_at_ms IS NULL;
  CREATE INDEX items_by_name ON items (name_folded, id) WHERE trashed_at_ms IS NULL;
  CREATE INDEX items_by_size ON items (size_bytes, id) WHERE trashed_at_ms IS NULL;
  CREATE INDEX items_by_uploaded ON items (uploaded_bytes, id) WHERE trashed_at_ms IS NULL;
  -- with trashed_at_ms, so that counting never leaves the index
  CREATE INDEX items_by_access ON items (access_level, added_at_ms, id, trashed_at_ms) WHERE trashed_at_ms IS NULL;
  CREATE INDEX items_attention ON items (added_at_ms, id) WHERE trashed_at_ms IS NULL AND needs_attention = 1;
  CREATE INDEX items_not_ok ON items (id) WHERE file_state <> 'ok';
  CREATE INDEX items_by_info_hash ON items (info_hash) WHERE info_hash IS NOT NULL;
  CREATE INDEX items_trashed ON items (id) WHERE trashed_at_ms IS NOT NULL;
  CREATE INDEX items_manifest_pending ON items (id) WHERE is_manifest_pending = 1;

  -- said before a folder is moved into place, so that a crash in between costs neither choices nor a re-hash
  CREATE TABLE commits (
    media_id TEXT PRIMARY KEY,
    file_identity TEXT NOT NULL,
    is_own INTEGER NOT NULL,
    is_seeding_wanted INTEGER NOT NULL,
    added_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    media_id TEXT NOT NULL,
    step TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at_ms INTEGER NOT NULL,
    last_error TEXT,
    UNIQUE (media_id, step)
  ) STRICT;
  CREATE INDEX outbox_due ON outbox (next_at_ms, id);

  CREATE TABLE transfers (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    -- the contract's Transfer
    body TEXT NOT NULL,
    -- what the job itself needs to go on after a crash
    payload TEXT
  ) STRICT;
  `,
  `
  -- none, readable, locked (wallet not open yet) or needs-key: see Protection in the contract
  ALTER TABLE items ADD COLUMN protection TEXT NOT NULL DEFAULT 'none'
    CHECK (protection IN ('none', 'readable', 'locked', 'needs-key'));
  -- bytes of the file itself, when it is stored encrypted
  ALTER TABLE items ADD COLUMN plain_size_bytes INTEGER;
  -- owner keys of those it is shared with, a JSON array
  ALTER TABLE items ADD COLUMN shared_with TEXT NOT NULL DEFAULT '[]';
  -- those to be looked at again when the wallet opens
  CREATE INDEX items_sealed ON items (id) WHERE protection IN ('locked', 'needs-key');

  -- what would be lost with the wallet
  CREATE INDEX items_of_wallet ON items (id) WHERE is_own = 1 OR protection = 'readable';

  CREATE TABLE contacts (
    owner TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    -- their signed card, canonical JSON
    card TEXT NOT NULL,
    added_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- file keys that came with a link, each boxed for this wallet: useless without it
  CREATE TABLE kept_keys (
    media_id TEXT PRIMARY KEY,
    box TEXT NOT NULL,
    -- what the link asked for, when it did
    expires_at_ms INTEGER,
    added_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- items their owner withdrew; body is the signed revocation, canonical JSON
  CREATE TABLE revocations (
    media_id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    superseded_by TEXT,
    at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- signed manifests of others, as found in the network: for each owner of an item the newest version that held,
  -- and beside it others of the same number, which contradict it
  CREATE TABLE network_manifests (
    media_id TEXT NOT NULL,
    owner TEXT NOT NULL,
    -- sha256 of the canonical manifest
    hash TEXT NOT NULL,
    version INTEGER NOT NULL,
    -- canonical JSON
    body TEXT NOT NULL,
    access_level TEXT NOT NULL,
    -- the publisher in whose own space it was found, when it was
    pub TEXT,
    -- the item by this owner, in any version
    first_seen_ms INTEGER NOT NULL,
    -- this very version
    kept_at_ms INTEGER NOT NULL,
    -- when the network last said the same
    confirmed_ms INTEGER NOT NULL,
    -- the owner's signed withdrawal, canonical JSON
    revocation TEXT,
    PRIMARY KEY (media_id, owner, hash)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX network_manifests_by_seen ON network_manifests (first_seen_ms, media_id);
  CREATE INDEX network_manifests_by_pub ON network_manifests (pub, first_seen_ms) WHERE pub IS NOT NULL;

  CREATE TABLE network_publishers (
    pub TEXT PRIMARY KEY,
    -- known when they were followed by their card
    owner TEXT,
    name TEXT,
    followed_at_ms INTEGER NOT NULL,
    checked_at_ms INTEGER
  ) STRICT, WITHOUT ROWID;

  -- which relay said that it has what of ours; '' is our own GUN
  CREATE TABLE network_publications (
    media_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('manifest', 'revocation')),
    relay TEXT NOT NULL,
    -- half a version less, when the wallet was locked and the publisher's own space was left out
    version REAL NOT NULL,
    state_ms REAL NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (media_id, kind, relay)
  ) STRICT, WITHOUT ROWID;

  -- who says they have an item, signed by their node
  CREATE TABLE presence (
    media_id TEXT NOT NULL,
    node_id TEXT NOT NULL,
    body TEXT NOT NULL,
    last_seen_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (media_id, node_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX presence_by_expiry ON presence (expires_ms);

  -- the heartbeats of those nodes
  CREATE TABLE network_nodes (
    node_id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    last_seen_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- what the library and the network know of, for searching; an index that can be made again
  CREATE TABLE catalogue (
    id INTEGER PRIMARY KEY,
    media_id TEXT NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    mime TEXT NOT NULL,
    kind TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    access_level TEXT NOT NULL,
    shared_with TEXT NOT NULL,
    info_hash TEXT,
    version INTEGER NOT NULL,
    -- the publisher in whose own space it was found
    pub TEXT,
    -- name and mime came out of a seal: for the node's owner alone
    is_sealed INTEGER NOT NULL,
    UNIQUE (media_id, owner)
  ) STRICT;
  CREATE INDEX catalogue_by_time ON catalogue (created_at_ms, id);
  CREATE INDEX catalogue_by_owner ON catalogue (owner, created_at_ms, id);
  CREATE INDEX catalogue_by_pub ON catalogue (pub) WHERE pub IS NOT NULL;
  -- the words of the name; no copy of the text
  CREATE VIRTUAL TABLE catalogue_words USING fts5(
    words, content = '', contentless_delete = 1, detail = none, prefix = '2 3 4',
    tokenize = 'unicode61 remove_diacritics 2'
  );
  `,
  `
  -- the Lit network gives its key to whoever fulfils conditions; those that are here are looked at again by the next start
  ALTER TABLE items ADD COLUMN has_conditions INTEGER NOT NULL DEFAULT 0;
  UPDATE items SET is_manifest_pending = 1 WHERE protection <> 'none' AND trashed_at_ms IS NULL;
  `,
  `
  -- how far the lists of publishers, and the one of all, were read from each relay: from the end towards the beginning
  CREATE TABLE network_lists (
    soul TEXT NOT NULL,
    -- the address of a relay, or 'disk'
    source TEXT NOT NULL,
    before TEXT NOT NULL,
    PRIMARY KEY (soul, source)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- own items that were public and are private now: their owner's signed word that the versions that were told count no longer
  CREATE TABLE network_retractions (
    media_id TEXT PRIMARY KEY,
    -- the last that was told
    version INTEGER NOT NULL,
    -- canonical JSON
    body TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- the same as before, with one more kind
  ALTER TABLE network_publications RENAME TO network_publications_before;
  CREATE TABLE network_publications (
    media_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('manifest', 'revocation', 'retraction')),
    relay TEXT NOT NULL,
    version REAL NOT NULL,
    state_ms REAL NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (media_id, kind, relay)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO network_publications SELECT media_id, kind, relay, version, state_ms, at_ms FROM network_publications_before;
  DROP TABLE network_publications_before;
  `,
  `
  -- how the entry in its publisher's list was dated when it was last compared with what is known; by the publisher's clock
  ALTER TABLE network_manifests ADD COLUMN listed_ms REAL;
  `,
  `
  -- relays lose entries of lists: when those that are ours are read back from which relay
  CREATE TABLE network_list_checks (
    soul TEXT NOT NULL,
    relay TEXT NOT NULL,
    due_ms INTEGER NOT NULL,
    -- how far the pass that is under way came, from the end towards the beginning; null between passes
    before TEXT,
    -- of that pass: entries that were looked for, and those that were missing
    looked INTEGER NOT NULL,
    missing INTEGER NOT NULL,
    -- passes of this round before it
    passes INTEGER NOT NULL,
    -- rounds since something was told there
    rounds INTEGER NOT NULL,
    -- rounds in a row that were given up
    failures INTEGER NOT NULL,
    -- until when nothing that is told brings the next round forward
    apart_until_ms INTEGER NOT NULL,
    PRIMARY KEY (soul, relay)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- its words are told apart in another way now; every start makes it again from library and network
  DELETE FROM catalogue;
  INSERT INTO catalogue_words (catalogue_words) VALUES ('delete-all');
  `,
]
