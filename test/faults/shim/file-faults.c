/*
 * Counts the file calls of a process below one folder, and kills the process at (or fails) the n-th; or lets the n-th take
 * only half of what it is to write and fails the one after it.
 * Loaded with LD_PRELOAD; see file-faults.ts for what the variables mean.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;
static const char *dir;
static const char *ops;
static size_t dir_length;
static long fail_at;
static int fail_errno;
static int is_short;
static int log_fd = -1;

__attribute__((constructor)) static void read_settings(void) {
  dir = getenv("FILE_FAULTS_DIR");
  ops = getenv("FILE_FAULTS_OPS");
  dir_length = dir ? strlen(dir) : 0;
  const char *at = getenv("FILE_FAULTS_AT");
  fail_at = at ? atol(at) : 0;
  const char *number = getenv("FILE_FAULTS_ERRNO");
  fail_errno = number ? atoi(number) : 0;
  is_short = getenv("FILE_FAULTS_SHORT") != NULL;
  const char *log = getenv("FILE_FAULTS_LOG");
  if (log) log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

static int is_counted(const char *op) {
  if (!ops) return 1;
  size_t length = strlen(op);
  for (const char *at = strstr(ops, op); at; at = strstr(at + 1, op)) {
    int begins = at == ops || at[-1] == ',';
    int ends = at[length] == 0 || at[length] == ',';
    if (begins && ends) return 1;
  }
  return 0;
}

enum answer { REAL_CALL, FAILS, HALF };

/* FAILS: errno is set. */
static enum answer meet(const char *op, const char *path) {
  if (!dir || strncmp(path, dir, dir_length) != 0 || !is_counted(op)) return REAL_CALL;
  long n = atomic_fetch_add(&calls, 1) + 1;
  if (log_fd >= 0) {
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%ld %s %s\n", n, op, path + dir_length);
    syscall(SYS_write, log_fd, line, (size_t)length);
  }
  if (is_short && n == fail_at) return HALF;
  if (n != fail_at + is_short) return REAL_CALL;
  if (fail_errno == 0) {
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;) pause();
  }
  errno = fail_errno;
  return FAILS;
}

static enum answer meet_fd(const char *op, int fd) {
  char link[64], path[PATH_MAX];
  if (!dir) return REAL_CALL;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return REAL_CALL;
  path[length] = 0;
  return meet(op, path);
}

static struct iovec half_of(const struct iovec *parts) {
  return (struct iovec){ parts[0].iov_base, parts[0].iov_len / 2 };
}

#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *data, size_t size) {
  REAL(write);
  enum answer answer = meet_fd("write", fd);
  return answer == FAILS ? -1 : real(fd, data, answer == HALF ? size / 2 : size);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(writev);
  enum answer answer = meet_fd("write", fd);
  if (answer != HALF) return answer == FAILS ? -1 : real(fd, parts, count);
  struct iovec half = half_of(parts);
  return real(fd, &half, 1);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  REAL(pwrite);
  enum answer answer = meet_fd("write", fd);
  return answer == FAILS ? -1 : real(fd, data, answer == HALF ? size / 2 : size, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
  REAL(pwrite64);
  enum answer answer = meet_fd("write", fd);
  return answer == FAILS ? -1 : real(fd, data, answer == HALF ? size / 2 : size, offset);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  REAL(pwritev);
  enum answer answer = meet_fd("write", fd);
  if (answer != HALF) return answer == FAILS ? -1 : real(fd, parts, count, offset);
  struct iovec half = half_of(parts);
  return real(fd, &half, 1, offset);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  REAL(pwritev64);
  enum answer answer = meet_fd("write", fd);
  if (answer != HALF) return answer == FAILS ? -1 : real(fd, parts, count, offset);
  struct iovec half = half_of(parts);
  return real(fd, &half, 1, offset);
}
int fsync(int fd) {
  REAL(fsync);
  return meet_fd("sync", fd) ? -1 : real(fd);
}
int fdatasync(int fd) {
  REAL(fdatasync);
  return meet_fd("sync", fd) ? -1 : real(fd);
}
int ftruncate(int fd, off_t size) {
  REAL(ftruncate);
  return meet_fd("truncate", fd) ? -1 : real(fd, size);
}
int ftruncate64(int fd, off64_t size) {
  REAL(ftruncate64);
  return meet_fd("truncate", fd) ? -1 : real(fd, size);
}
int rename(const char *from, const char *to) {
  REAL(rename);
  return meet("rename", from) ? -1 : real(from, to);
}
int unlink(const char *path) {
  REAL(unlink);
  return meet("unlink", path) ? -1 : real(path);
}
int rmdir(const char *path) {
  REAL(rmdir);
  return meet("rmdir", path) ? -1 : real(path);
}
int mkdir(const char *path, mode_t mode) {
  REAL(mkdir);
  return meet("mkdir", path) ? -1 : real(path, mode);
}
