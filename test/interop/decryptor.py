#!/usr/bin/python3
"""Opens what Sower encrypts, and encrypts what Sower opens, sharing no code with it.

Written from the description of the format alone; needs Debian's python3-cryptography and nothing else.
Keys are read from files: a file key as 64 hexadecimal digits, a SEA pair as the JSON object GUN uses.

  decryptor.py key      --manifest M (--pair P | --key K)
  decryptor.py metadata --manifest M (--pair P | --key K)
  decryptor.py decrypt  --manifest M (--pair P | --key K) --file F [--range FIRST-LAST | FIRST- | -COUNT]
  decryptor.py encrypt  --file F --out C --name N --mime T [--to PUB EPUB]...
  decryptor.py pair     --seed S
  decryptor.py kept     --pair P --file F
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import secrets
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SEGMENT = 65536
TAG = 16
PLAIN = SEGMENT - TAG
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Refused(Exception):
    """The bytes, the key or the manifest is not what it should be."""


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def hkdf(key, salt, info, length):
    return HKDF(hashes.SHA256(), length, salt, info).derive(key)


def canonical(value):
    """RFC 8785, for the strings and objects that occur here."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def stream_keys(file_key, salt):
    out = hkdf(file_key, salt, b"sower/media/v1", 71)
    return out[:32], out[32:39], out[39:]


def nonce(prefix, index, is_last):
    return prefix + index.to_bytes(4, "big") + (b"\1" if is_last else b"\0")


class Reader:
    """Any range of the plaintext of a stream64k file."""

    def __init__(self, manifest, file_key, file):
        encryption = manifest["encryption"]
        if encryption["method"] != "aes-256-gcm" or encryption["layout"] != "stream64k":
            raise Refused("another layout")
        iv = bytes.fromhex(encryption["iv"])
        if len(iv) != 39 or encryption["segmentSize"] != SEGMENT or encryption["cipherHash"] != manifest["id"]:
            raise Refused("an impossible manifest")
        self.key, prefix, commitment = stream_keys(file_key, iv[:32])
        if not hmac.compare_digest(commitment, bytes.fromhex(encryption["commitment"])) or prefix != iv[32:]:
            raise Refused("the key of another file")
        self.prefix = prefix
        self.size = encryption["plainSize"]
        self.segments = max(1, -(-self.size // PLAIN))
        self.tag = bytes.fromhex(encryption["authTag"])
        self.file = file
        stored = os.fstat(file.fileno()).st_size
        if stored != manifest["size"] or stored != self.size + self.segments * TAG:
            raise Refused("sizes that do not belong together")

    def segment(self, index):
        is_last = index == self.segments - 1
        self.file.seek(index * SEGMENT)
        stored = self.file.read(SEGMENT)
        if is_last and stored[-TAG:] != self.tag:
            raise Refused("another last segment")
        try:
            return AESGCM(self.key).decrypt(nonce(self.prefix, index, is_last), stored, None)
        except InvalidTag as error:
            raise Refused(f"segment {index} is not genuine") from error

    def read(self, start, end, from_end=False):
        """Bytes start … end (exclusive), a segment at a time."""
        if from_end or self.size == 0:
            self.segment(self.segments - 1)
        for index in range(start // PLAIN, -(-end // PLAIN)):
            at = index * PLAIN
            yield self.segment(index)[max(0, start - at) : end - at]


def sealed_key(file_key):
    return hkdf(file_key, b"", b"sower/sealed/v1", 32)


def open_metadata(manifest, file_key):
    sealed = manifest["encryption"]["sealed"]
    try:
        text = AESGCM(sealed_key(file_key)).decrypt(bytes.fromhex(sealed["iv"]), unb64url(sealed["data"]), None)
    except InvalidTag as error:
        raise Refused("the sealed metadata are not genuine") from error
    return json.loads(text)


def seal_metadata(file_key, metadata):
    iv = secrets.token_bytes(12)
    data = AESGCM(sealed_key(file_key)).encrypt(iv, canonical(metadata), None)
    return {"iv": iv.hex(), "data": b64url(data)}


# GUN's SEA: points are x.y in base64url, a box is SEA{"ct","iv","s"} in base64, its key the hash of the secret
# followed by the salt, one character for each of the salt's bytes.


def point(text):
    x, y = (unb64url(part) for part in text.split("."))
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\4" + x + y)


def point_text(public):
    numbers = public.public_numbers()
    return b64url(numbers.x.to_bytes(32, "big")) + "." + b64url(numbers.y.to_bytes(32, "big"))


def sea_secret(epub, private):
    return b64url(private.exchange(ec.ECDH(), point(epub)))


def box_key(secret, salt):
    return hashlib.sha256((secret + salt.decode("latin-1")).encode()).digest()


def sea_encrypt(text, secret):
    salt, iv = secrets.token_bytes(9), secrets.token_bytes(15)
    parts = {"ct": AESGCM(box_key(secret, salt)).encrypt(iv, text, None), "iv": iv, "s": salt}
    return "SEA" + json.dumps({name: base64.b64encode(part).decode() for name, part in parts.items()})


def sea_decrypt(box, secret):
    parts = {name: base64.b64decode(part) for name, part in json.loads(box[3:]).items()}
    try:
        return AESGCM(box_key(secret, parts["s"])).decrypt(parts["iv"], parts["ct"], None)
    except InvalidTag as error:
        raise Refused("the box is not genuine") from error


def open_envelope(manifest, pair):
    envelope = manifest["encryption"]["keyEnvelope"]
    entry = envelope["keys"].get(pair["pub"])
    if envelope["scheme"] != "sea" or entry is None:
        raise Refused("no box for this pair")
    private = ec.derive_private_key(int.from_bytes(unb64url(pair["epriv"]), "big"), ec.SECP256R1())
    payload = json.loads(sea_decrypt(entry["box"], sea_secret(entry["epub"], private)))
    if payload["mediaId"] != manifest["id"] or payload["version"] > manifest["version"]:
        raise Refused("the box of another item")
    return unb64url(payload["key"])


def make_envelope(file_key, media_id, people):
    payload = json.dumps({"key": b64url(file_key), "mediaId": media_id, "version": 1}).encode()
    keys = {}
    for pub, epub in people:
        one_time = ec.generate_private_key(ec.SECP256R1())
        box = sea_encrypt(payload, sea_secret(epub, one_time))
        keys[pub] = {"epub": point_text(one_time.public_key()), "box": box}
    return {"scheme": "sea", "for": [pub for pub, _ in people], "keys": keys}


def encrypt(source, target, name, mime, people):
    """Writes the ciphertext; returns what a manifest says about it."""
    file_key, salt = secrets.token_bytes(32), secrets.token_bytes(32)
    key, prefix, commitment = stream_keys(file_key, salt)
    plain_hash, stored_hash = hashlib.sha256(), hashlib.sha256()
    size = stored_size = index = 0
    segment = source.read(PLAIN)
    while True:
        following = source.read(PLAIN)
        plain_hash.update(segment)
        stored = AESGCM(key).encrypt(nonce(prefix, index, following == b""), segment, None)
        stored_hash.update(stored)
        target.write(stored)
        size, stored_size, index = size + len(segment), stored_size + len(stored), index + 1
        if following == b"":
            break
        segment = following
    media_id = stored_hash.hexdigest()
    metadata = {"name": name, "mime": mime, "plainHash": plain_hash.hexdigest()}
    encryption = {
        "enabled": True,
        "method": "aes-256-gcm",
        "layout": "stream64k",
        "iv": (salt + prefix).hex(),
        "authTag": stored[-TAG:].hex(),
        "segmentSize": SEGMENT,
        "plainSize": size,
        "commitment": commitment.hex(),
        "cipherHash": media_id,
        "sealed": seal_metadata(file_key, metadata),
        "keyEnvelope": make_envelope(file_key, media_id, people),
    }
    return {"id": media_id, "size": stored_size, "encryption": encryption}


def seed_pair(seed):
    pair = {}
    for names, info in ((("pub", "priv"), b"sower/sea/sign/v1"), (("epub", "epriv"), b"sower/sea/encrypt/v1")):
        scalar = int.from_bytes(hkdf(seed, b"", info, 48), "big") % (P256_ORDER - 1) + 1
        private = ec.derive_private_key(scalar, ec.SECP256R1())
        pair[names[0]] = point_text(private.public_key())
        pair[names[1]] = b64url(scalar.to_bytes(32, "big"))
    return pair


def kept(text, pair):
    """What a wallet sealed for itself, and the name of the folder it is kept in."""
    secret = unb64url(pair["epriv"])
    file = json.loads(text)
    head = {name: file[name] for name in ("format", "version", "salt", "iv")}
    salt, iv, data, tag = (base64.b64decode(file[name]) for name in ("salt", "iv", "data", "tag"))
    key = hkdf(secret, salt, b"sower/kept/v1", 32)
    try:
        plain = AESGCM(key).decrypt(iv, data + tag, json.dumps(head, separators=(",", ":")).encode())
    except InvalidTag:
        raise Refused("damaged, or another wallet's") from None
    return {"wallet": hkdf(secret, b"", b"sower/kept/name/v1", 16).hex(), "size": len(plain), "content": json.loads(plain)}


def bounds(text, size):
    """FIRST-LAST, FIRST- or -COUNT, as in HTTP; returns start, end (exclusive), and whether it counts from the end."""
    first, last = text.split("-")
    if first == "":
        return max(0, size - int(last)), size, True
    return int(first), size if last == "" else int(last) + 1, False


def file_key_of(arguments, manifest):
    if arguments.key is not None:
        return bytes.fromhex(open(arguments.key).read().strip())
    return open_envelope(manifest, json.load(open(arguments.pair)))


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["key", "metadata", "decrypt", "encrypt", "pair", "kept"])
    for name in ("manifest", "pair", "key", "file", "range", "out", "name", "mime", "seed"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--to", nargs=2, action="append", default=[], metavar=("PUB", "EPUB"))
    return parser.parse_args()


def main():
    arguments = parse()
    if arguments.action == "pair":
        print(json.dumps(seed_pair(bytes.fromhex(open(arguments.seed).read().strip()))))
        return
    if arguments.action == "kept":
        print(json.dumps(kept(open(arguments.file).read(), json.load(open(arguments.pair)))))
        return
    if arguments.action == "encrypt":
        with open(arguments.file, "rb") as source, open(arguments.out, "wb") as target:
            print(json.dumps(encrypt(source, target, arguments.name, arguments.mime, arguments.to)))
        return
    manifest = json.load(open(arguments.manifest))
    file_key = file_key_of(arguments, manifest)
    if arguments.action == "key":
        print(file_key.hex())
    elif arguments.action == "metadata":
        print(json.dumps(open_metadata(manifest, file_key)))
    else:
        with open(arguments.file, "rb") as file:
            reader = Reader(manifest, file_key, file)
            start, end, from_end = bounds(arguments.range or "0-", reader.size)
            plain_hash = hashlib.sha256()
            for part in reader.read(start, end, from_end):
                plain_hash.update(part)
                sys.stdout.buffer.write(part)
            if arguments.range is None and plain_hash.hexdigest() != open_metadata(manifest, file_key)["plainHash"]:
                raise Refused("another file than the one that was encrypted")


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(f"refused: {error}")
