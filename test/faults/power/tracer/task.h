/* A thread of the traced program, and what can be found out about it from outside. */
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "calls.h"

struct task {
  pid_t tid;
  int used, in_call, nr;
  const struct call *call;
  uint64_t a[6];
  /* The errno that it gets instead of the call; 0: none. */
  int inject;
  long entry;
  char p1[PATH_MAX], p2[PATH_MAX];
  /* 1: a file was at p1, at p2, before the call. */
  int was1, was2;
};

#define TASKS 512
static struct task tasks[TASKS];

static void die(const char *what) {
  perror(what);
  exit(99);
}

static struct task *task_of(pid_t tid) {
  struct task *unused = NULL;
  for (int i = 0; i < TASKS; i++) {
    if (tasks[i].used && tasks[i].tid == tid) return &tasks[i];
    if (!tasks[i].used && !unused) unused = &tasks[i];
  }
  if (!unused) {
    fprintf(stderr, "tracer: too many threads\n");
    exit(99);
  }
  memset(unused, 0, sizeof *unused);
  unused->used = 1;
  unused->tid = tid;
  return unused;
}

/* Reads the memory of a thread, a page at a time, since the next one may not be there. */
static size_t peek(pid_t tid, uint64_t addr, void *to, size_t len) {
  size_t done = 0;
  while (done < len) {
    size_t n = len - done, page = 4096 - ((addr + done) & 4095);
    if (n > page) n = page;
    struct iovec here = {(char *)to + done, n}, there = {(void *)(addr + done), n};
    ssize_t got = process_vm_readv(tid, &here, 1, &there, 1, 0);
    if (got <= 0) break;
    done += got;
  }
  return done;
}

static void peek_text(pid_t tid, uint64_t addr, char *to, size_t size) {
  size_t done = 0;
  while (done < size - 1) {
    size_t n = 4096 - ((addr + done) & 4095);
    if (n > size - 1 - done) n = size - 1 - done;
    size_t got = peek(tid, addr + done, to + done, n);
    if (got == 0) break;
    if (memchr(to + done, 0, got)) return;
    done += got;
  }
  to[done] = 0;
}

static void read_link(char *to, const char *form, pid_t tid, int fd) {
  char link[64];
  snprintf(link, sizeof link, form, tid, fd);
  ssize_t n = readlink(link, to, PATH_MAX - 1);
  to[n > 0 ? n : 0] = 0;
}

static void fd_path(pid_t tid, int fd, char *to) { read_link(to, "/proc/%d/fd/%d", tid, fd); }

static int fd_open(pid_t tid, int fd) {
  char link[64];
  snprintf(link, sizeof link, "/proc/%d/fd/%d", tid, fd);
  return open(link, O_RDONLY | O_CLOEXEC);
}

static int fd_stat(pid_t tid, int fd, struct stat *st) {
  char link[64];
  snprintf(link, sizeof link, "/proc/%d/fd/%d", tid, fd);
  return stat(link, st);
}

/* A number that /proc says of a descriptor, or -1. */
static int64_t fd_info(pid_t tid, int fd, const char *form) {
  char name[64], line[128];
  snprintf(name, sizeof name, "/proc/%d/fdinfo/%d", tid, fd);
  FILE *f = fopen(name, "r");
  if (!f) return -1;
  long long value = -1;
  while (fgets(line, sizeof line, f))
    if (sscanf(line, form, &value) == 1) break;
  fclose(f);
  return value;
}

static int64_t fd_position(pid_t tid, int fd) { return fd_info(tid, fd, "pos: %lld"); }

/* 1 for a descriptor that reads and writes, as SQLite has for every file. */
static int fd_is_both(pid_t tid, int fd) {
  int64_t flags = fd_info(tid, fd, "flags: %llo");
  return flags >= 0 && (flags & O_ACCMODE) == O_RDWR;
}

/* Without . and .. and // */
static void normalize(char *path) {
  char out[PATH_MAX];
  size_t n = 0;
  for (char *p = path; *p;) {
    while (*p == '/') p++;
    char *end = p;
    while (*end && *end != '/') end++;
    size_t len = end - p;
    if (len == 0) break;
    if (len == 2 && p[0] == '.' && p[1] == '.') {
      while (n > 0 && out[n - 1] != '/') n--;
      if (n > 0) n--;
    } else if (len != 1 || p[0] != '.') {
      out[n++] = '/';
      memcpy(out + n, p, len);
      n += len;
    }
    p = end;
  }
  if (n == 0) out[n++] = '/';
  out[n] = 0;
  strcpy(path, out);
}

/* The path that a call names, from the folder that it starts at. */
static void path_at(pid_t tid, int folder, uint64_t addr, char *to) {
  char given[PATH_MAX], base[PATH_MAX];
  peek_text(tid, addr, given, sizeof given);
  if (given[0] == '/') strcpy(to, given);
  else {
    if (folder == AT_FDCWD) read_link(base, "/proc/%d/cwd", tid, 0);
    else fd_path(tid, folder, base);
    if (strlen(base) + strlen(given) + 2 > PATH_MAX) to[0] = 0;
    else if (given[0] == 0) strcpy(to, base);
    else {
      strcpy(to, base);
      strcat(to, "/");
      strcat(to, given);
    }
  }
  normalize(to);
}
