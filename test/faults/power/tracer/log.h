/* The log: a line of JSON for each call, in the order in which they ended; the bytes that were written are in a file. */
#include "paths.h"

static FILE *lines;
static int bytes = -1;
static uint64_t bytes_at;
static long sequence;

static void put_text(const char *text) {
  fputc('"', lines);
  for (; *text; text++) {
    unsigned char c = *text;
    if (c == '"' || c == '\\') fprintf(lines, "\\%c", c);
    else if (c < 32) fprintf(lines, "\\u%04x", c);
    else fputc(c, lines);
  }
  fputc('"', lines);
}

static void put_bytes(int64_t offset, const char *from, size_t n) {
  for (size_t done = 0; bytes >= 0 && done < n;) {
    ssize_t wrote = write(bytes, from + done, n - done);
    if (wrote <= 0) die("bytes");
    done += wrote;
  }
  fprintf(lines, ",\"offset\":%ld,\"length\":%zu,\"at\":%lu", (long)offset, n, (unsigned long)bytes_at);
  bytes_at += n;
}

/* What a write wrote, from the memory of the program. */
static void put_written(struct task *t, size_t n) {
  int64_t offset = -1;
  if (t->nr == SYS_pwrite64 || t->nr == SYS_pwritev || t->nr == SYS_pwritev2) offset = (int64_t)t->a[3];
  if (offset < 0) offset = fd_position(t->tid, fd_of(t)) - (int64_t)n;
  char *from = malloc(n);
  if (t->nr == SYS_write || t->nr == SYS_pwrite64) peek(t->tid, t->a[1], from, n);
  else {
    int count = (int)t->a[2];
    struct iovec *parts = calloc(count, sizeof *parts);
    peek(t->tid, t->a[1], parts, count * sizeof *parts);
    size_t done = 0;
    for (int i = 0; i < count && done < n; i++) {
      size_t len = parts[i].iov_len < n - done ? parts[i].iov_len : n - done;
      peek(t->tid, (uint64_t)parts[i].iov_base, from + done, len);
      done += len;
    }
    free(parts);
  }
  put_bytes(offset, from, n);
  free(from);
}

/* What the system copied or cloned, from the file that it was copied to. */
static void put_copied(struct task *t, int64_t n) {
  struct stat st;
  int64_t offset = 0, given = 0;
  if (t->nr == SYS_ioctl) n = fd_stat(t->tid, fd_of(t), &st) == 0 ? st.st_size : 0;
  else if (t->nr == SYS_copy_file_range && t->a[3]) {
    peek(t->tid, t->a[3], &given, sizeof given);
    offset = given - n;
  } else offset = fd_position(t->tid, fd_of(t)) - n;
  char *from = calloc(1, n + 1);
  int fd = fd_open(t->tid, fd_of(t));
  if (fd < 0 || pread(fd, from, n, offset) != n) fprintf(stderr, "tracer: copied bytes could not be read\n");
  if (fd >= 0) close(fd);
  put_bytes(offset, from, n);
  free(from);
}

static void put_file(const struct stat *st) {
  fprintf(lines, ",\"inode\":%lu,\"isFolder\":%s", (unsigned long)st->st_ino, S_ISDIR(st->st_mode) ? "true" : "false");
}

static int flags_of(struct task *t) {
  if (t->nr == SYS_creat) return O_CREAT | O_TRUNC | O_WRONLY;
  if (t->nr == SYS_open) return (int)t->a[1];
  if (t->nr != SYS_openat2) return (int)t->a[2];
  uint64_t how[3] = {0};
  peek(t->tid, t->a[2], how, sizeof how);
  return (int)how[0];
}

static void log_output(struct task *t, long result) {
  static char text[1 << 16];
  size_t n = result > 0 ? (size_t)result : 0;
  if (n > sizeof text - 1) n = sizeof text - 1;
  text[peek(t->tid, t->a[1], text, n)] = 0;
  fprintf(lines, "{\"kind\":\"say\",\"entry\":%ld,\"exit\":%ld,\"text\":", t->entry, sequence++);
  put_text(text);
  fprintf(lines, "}\n");
}

static void log_call(struct task *t, long result) {
  struct stat st;
  if (!lines) return;
  if (is_output(t)) return log_output(t, result);
  fprintf(lines, "{\"kind\":\"%s\",\"entry\":%ld,\"exit\":%ld,\"result\":%ld", t->call->kind, t->entry, sequence++, result);
  if (t->inject) fprintf(lines, ",\"injected\":%d", t->inject);
  fprintf(lines, ",\"path\":");
  put_text(t->p1);
  if (t->p2[0]) {
    fprintf(lines, ",\"to\":");
    put_text(t->p2);
  }
  int fd = fd_of(t);
  if (strcmp(t->call->kind, "open") == 0) {
    int flags = flags_of(t);
    if (result >= 0 && (flags & O_CREAT) && !t->was1) fprintf(lines, ",\"created\":true");
    if (result >= 0 && (flags & O_TRUNC) && t->was1) fprintf(lines, ",\"emptied\":true");
    fd = (int)result;
  }
  if (fd >= 0 && fd_stat(t->tid, fd, &st) == 0) put_file(&st);
  else if (result == 0 && t->call->changes && lstat(t->p2[0] ? t->p2 : t->p1, &st) == 0) put_file(&st);
  if (strcmp(t->call->kind, "fsync") == 0) fprintf(lines, ",\"isBoth\":%s", fd_is_both(t->tid, fd) ? "true" : "false");
  if (strcmp(t->call->kind, "truncate") == 0) fprintf(lines, ",\"size\":%ld", (long)t->a[1]);
  if (t->nr == SYS_fallocate) fprintf(lines, ",\"mode\":%d,\"size\":%ld", (int)t->a[1], (long)(t->a[2] + t->a[3]));
  if (!t->inject && result > 0 && strcmp(t->call->kind, "write") == 0) put_written(t, result);
  if (!t->inject && result > 0 && strcmp(t->call->kind, "copy") == 0) put_copied(t, result);
  if (!t->inject && result == 0 && strcmp(t->call->kind, "clone") == 0) put_copied(t, 0);
  fprintf(lines, "}\n");
}
