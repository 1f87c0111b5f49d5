/*
 * Counts the file calls of a process below one folder, and kills the process at (or fails) the n-th.
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
static int log_fd = -1;

__attribute__((constructor)) static void read_settings(void) {
  dir = getenv("FILE_FAULTS_DIR");
  ops = getenv("FILE_FAULTS_OPS");
  dir_length = dir ? strlen(dir) : 0;
  const char *at = getenv("FILE_FAULTS_AT");
  fail_at = at ? atol(at) : 0;
  const char *number = getenv("FILE_FAULTS_ERRNO");
  fail_errno = number ? atoi(number) : 0;
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

/* 1 = the call must fail, errno is set. */
static int meet(const char *op, const char *path) {
  if (!dir || strncmp(path, dir, dir_length) != 0 || !is_counted(op)) return 0;
  long n = atomic_fetch_add(&calls, 1) + 1;
  if (log_fd >= 0) {
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%ld %s %s\n", n, op, path + dir_length);
    syscall(SYS_write, log_fd, line, (size_t)length);
  }
  if (n != fail_at) return 0;
  if (fail_errno == 0) {
    syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    for (;;) pause();
  }
  errno = fail_errno;
  return 1;
}

static int meet_fd(const char *op, int fd) {
  char link[64], path[PATH_MAX];
  if (!dir) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return meet(op, path);
}

#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *data, size_t size) {
  REAL(write);
  return meet_fd("write", fd) ? -1 : real(fd, data, size);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(writev);
  return meet_fd("write", fd) ? -1 : real(fd, parts, count);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  REAL(pwrite);
  return meet_fd("write", fd) ? -1 : real(fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
  REAL(pwrite64);
  return meet_fd("write", fd) ? -1 : real(fd, data, size, offset);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  REAL(pwritev);
  return meet_fd("write", fd) ? -1 : real(fd, parts, count, offset);
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  REAL(pwritev64);
  return meet_fd("write", fd) ? -1 : real(fd, parts, count, offset);
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
