/* The system calls that are traced. */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#define CLONE_FILE 0x40049409       /* FICLONE */
#define CLONE_FILE_RANGE 0x4020940d /* FICLONERANGE */

struct call {
  int nr;
  const char *kind;
  /* 1: may change what is on the disk, or flushes it. */
  int changes;
};

static const struct call calls[] = {
  {SYS_write, "write", 1}, {SYS_pwrite64, "write", 1}, {SYS_writev, "write", 1}, {SYS_pwritev, "write", 1},
  {SYS_pwritev2, "write", 1}, {SYS_open, "open", 1}, {SYS_openat, "open", 1}, {SYS_openat2, "open", 1},
  {SYS_creat, "open", 1}, {SYS_ftruncate, "truncate", 1}, {SYS_truncate, "truncate", 1},
  {SYS_fallocate, "fallocate", 1}, {SYS_fsync, "fsync", 1}, {SYS_fdatasync, "fsync", 1}, {SYS_syncfs, "sync", 1},
  {SYS_sync, "sync", 1}, {SYS_rename, "rename", 1}, {SYS_renameat, "rename", 1}, {SYS_renameat2, "rename", 1},
  {SYS_link, "link", 1}, {SYS_linkat, "link", 1}, {SYS_symlink, "symlink", 1}, {SYS_symlinkat, "symlink", 1},
  {SYS_unlink, "unlink", 1}, {SYS_unlinkat, "unlink", 1}, {SYS_rmdir, "unlink", 1}, {SYS_mkdir, "mkdir", 1},
  {SYS_mkdirat, "mkdir", 1}, {SYS_copy_file_range, "copy", 1}, {SYS_sendfile, "copy", 1}, {SYS_splice, "copy", 1},
  {SYS_ioctl, "clone", 1}, {SYS_chmod, "chmod", 1}, {SYS_fchmod, "chmod", 1}, {SYS_fchmodat, "chmod", 1},
  {SYS_fchmodat2, "chmod", 1}, {SYS_chown, "chown", 1}, {SYS_fchown, "chown", 1}, {SYS_lchown, "chown", 1},
  {SYS_fchownat, "chown", 1}, {SYS_mmap, "mmap", 0}, {SYS_io_uring_setup, "io_uring", 0},
  /* From here on: logged with -R only. */
  {SYS_read, "read", 0}, {SYS_pread64, "read", 0}, {SYS_readv, "read", 0}, {SYS_preadv, "read", 0},
  {SYS_preadv2, "read", 0}, {SYS_stat, "stat", 0}, {SYS_lstat, "stat", 0}, {SYS_fstat, "stat", 0},
  {SYS_newfstatat, "stat", 0}, {SYS_statx, "stat", 0}, {SYS_access, "access", 0}, {SYS_faccessat, "access", 0},
  {SYS_faccessat2, "access", 0}, {SYS_readlink, "readlink", 0}, {SYS_readlinkat, "readlink", 0},
  {SYS_getdents64, "getdents", 0}, {SYS_statfs, "statfs", 0}, {SYS_fstatfs, "statfs", 0}, {SYS_fcntl, "lock", 0},
  {SYS_flock, "lock", 0},
};
#define CALLS ((int)(sizeof calls / sizeof *calls))

static const struct call *call_of(int nr) {
  for (int i = 0; i < CALLS; i++)
    if (calls[i].nr == nr) return &calls[i];
  return NULL;
}

/* A filter that stops the process at these calls, and lets all others pass at full speed. */
static struct sock_fprog filter_for(int with_reads) {
  static struct sock_filter code[CALLS * 2 + 2];
  unsigned short n = 0;
  code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (int i = 0; i < CALLS; i++) {
    if (calls[i].nr == SYS_read && !with_reads) break;
    code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i].nr, 0, 1);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  }
  code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  return (struct sock_fprog){n, code};
}
