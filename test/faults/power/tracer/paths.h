/* Which paths a call is about. */
#include "task.h"

static char root[PATH_MAX];
/* Where the program's own standard output goes: what it says there is logged in the order of the calls. */
static char output[PATH_MAX];

static int below(const char *path) {
  size_t n = strlen(root);
  return strncmp(path, root, n) == 0 && (path[n] == '/' || path[n] == 0 || path[n] == ' ');
}

static int is_output(struct task *t) {
  return t->nr == SYS_write && t->a[0] == 1 && output[0] && strcmp(t->p1, output) == 0;
}

/* 1 if the call is about something below the root, or says something; sets p1 and p2. */
static int concerns(struct task *t) {
  uint64_t *a = t->a;
  pid_t tid = t->tid;
  t->p1[0] = t->p2[0] = 0;
  switch (t->nr) {
    case SYS_open: case SYS_creat: case SYS_stat: case SYS_lstat: case SYS_access: case SYS_truncate: case SYS_unlink:
    case SYS_rmdir: case SYS_mkdir: case SYS_chmod: case SYS_chown: case SYS_lchown: case SYS_readlink: case SYS_statfs:
      path_at(tid, AT_FDCWD, a[0], t->p1);
      return below(t->p1);
    case SYS_openat: case SYS_openat2: case SYS_newfstatat: case SYS_faccessat: case SYS_faccessat2: case SYS_unlinkat:
    case SYS_mkdirat: case SYS_fchmodat: case SYS_fchmodat2: case SYS_fchownat: case SYS_readlinkat: case SYS_statx:
      path_at(tid, (int)a[0], a[1], t->p1);
      return below(t->p1);
    case SYS_rename: case SYS_link:
      path_at(tid, AT_FDCWD, a[0], t->p1);
      path_at(tid, AT_FDCWD, a[1], t->p2);
      return below(t->p1) || below(t->p2);
    case SYS_renameat: case SYS_renameat2: case SYS_linkat:
      if (t->nr == SYS_linkat && ((int)a[4] & AT_EMPTY_PATH)) fd_path(tid, (int)a[0], t->p1);
      else path_at(tid, (int)a[0], a[1], t->p1);
      path_at(tid, (int)a[2], a[3], t->p2);
      return below(t->p1) || below(t->p2);
    case SYS_symlink:
      path_at(tid, AT_FDCWD, a[1], t->p1);
      return below(t->p1);
    case SYS_symlinkat:
      path_at(tid, (int)a[1], a[2], t->p1);
      return below(t->p1);
    case SYS_copy_file_range: case SYS_splice:
      fd_path(tid, (int)a[2], t->p1);
      return below(t->p1);
    case SYS_sync: case SYS_io_uring_setup:
      return 1;
    case SYS_mmap:
      if ((int)a[4] < 0 || !((int)a[3] & MAP_SHARED) || !((int)a[2] & PROT_WRITE)) return 0;
      fd_path(tid, (int)a[4], t->p1);
      return below(t->p1);
    case SYS_ioctl:
      if ((uint32_t)a[1] != CLONE_FILE && (uint32_t)a[1] != CLONE_FILE_RANGE) return 0;
      fd_path(tid, (int)a[0], t->p1);
      return below(t->p1);
    case SYS_fcntl:
      if (a[1] != F_SETLK && a[1] != F_SETLKW && a[1] != F_GETLK && a[1] != F_OFD_SETLK && a[1] != F_OFD_SETLKW) return 0;
      fd_path(tid, (int)a[0], t->p1);
      return below(t->p1);
    default:
      fd_path(tid, (int)a[0], t->p1);
      return is_output(t) || below(t->p1);
  }
}

static int exists(const char *path) {
  struct stat st;
  return path[0] == '/' && lstat(path, &st) == 0;
}

/* The descriptor that a call writes to or flushes; -1 if it has none. */
static int fd_of(struct task *t) {
  switch (t->nr) {
    case SYS_write: case SYS_pwrite64: case SYS_writev: case SYS_pwritev: case SYS_pwritev2: case SYS_ftruncate:
    case SYS_fallocate: case SYS_fsync: case SYS_fdatasync: case SYS_ioctl: case SYS_sendfile:
      return (int)t->a[0];
    case SYS_copy_file_range: case SYS_splice:
      return (int)t->a[2];
    case SYS_mmap:
      return (int)t->a[4];
    default:
      return -1;
  }
}
