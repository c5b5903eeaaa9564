/*
 * Runs a program and sees every system call that matters to the files below a folder, whoever makes it: libc, a runtime
 * without libc, SQLite, threads, child processes. Bun makes about half of its calls without libc, so that a library for
 * LD_PRELOAD does not see them. ptrace(2) with a seccomp(2) filter, x86-64 Linux.
 *
 *   tracer -r FOLDER [-o LINES -d BYTES] [-R] [-i KIND:N:WHAT]... -- program arguments
 *
 *   -o, -d  the log, and the bytes that were written
 *   -R      also sees calls that only read, look or lock
 *   -i      lets the N-th call of a kind fail, from 0: WHAT is the number of an errno, or "short" for half of the bytes;
 *           with a "+" behind it all that follow fail, too. KIND "any" counts all, "fsync-folder" flushes of folders.
 *
 *   gcc -O2 -Wall -o tracer tracer.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "log.h"

struct rule {
  char kind[24];
  long n, seen;
  int error, is_short, goes_on, hit;
};
static struct rule rules[8];
static int rule_count;
static int with_reads;

/* Half of the bytes at most. */
static void shorten(struct task *t, struct user_regs_struct *r) {
  unsigned long long *count = t->nr == SYS_copy_file_range ? &r->r8 : t->nr == SYS_sendfile ? &r->r10 : &r->rdx;
  if (*count > 1) *count /= 2;
}

static void apply(struct rule *rule, struct task *t, struct user_regs_struct *r) {
  const char *kind = t->call->kind;
  if (strcmp(rule->kind, "fsync-folder") == 0) {
    struct stat st;
    if (strcmp(kind, "fsync") || fd_stat(t->tid, fd_of(t), &st) || !S_ISDIR(st.st_mode)) return;
  } else if (strcmp(rule->kind, "any") && strcmp(rule->kind, kind)) return;
  long n = rule->seen++;
  if (n != rule->n && !(rule->goes_on && n > rule->n)) return;
  if (!rule->is_short) {
    r->orig_rax = -1;
    t->inject = rule->error;
  } else if (strcmp(kind, "write") && strcmp(kind, "copy") && strcmp(kind, "read")) return;
  else shorten(t, r);
  ptrace(PTRACE_SETREGS, t->tid, 0, r);
  rule->hit = 1;
}

static void on_entry(struct task *t) {
  struct user_regs_struct r;
  if (ptrace(PTRACE_GETREGS, t->tid, 0, &r)) {
    ptrace(PTRACE_CONT, t->tid, 0, 0);
    return;
  }
  t->nr = (int)r.orig_rax;
  uint64_t a[] = {r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9};
  memcpy(t->a, a, sizeof a);
  t->call = call_of(t->nr);
  if (!t->call || !concerns(t)) {
    ptrace(PTRACE_CONT, t->tid, 0, 0);
    return;
  }
  t->inject = 0;
  t->was1 = exists(t->p1);
  t->was2 = exists(t->p2);
  /* Whoever cannot have a ring uses plain calls. */
  if (t->nr == SYS_io_uring_setup) {
    r.orig_rax = -1;
    t->inject = ENOSYS;
    ptrace(PTRACE_SETREGS, t->tid, 0, &r);
  } else if (!is_output(t)) {
    for (int i = 0; i < rule_count; i++) apply(&rules[i], t, &r);
  }
  t->entry = sequence++;
  t->in_call = 1;
  ptrace(PTRACE_SYSCALL, t->tid, 0, 0);
}

static void on_exit_of(struct task *t) {
  struct user_regs_struct r;
  t->in_call = 0;
  if (ptrace(PTRACE_GETREGS, t->tid, 0, &r)) return;
  if (t->inject > 0) {
    r.rax = -(long)t->inject;
    ptrace(PTRACE_SETREGS, t->tid, 0, &r);
  }
  log_call(t, (long)r.rax);
  ptrace(PTRACE_CONT, t->tid, 0, 0);
}

static void run(char **command) {
  struct sock_fprog filter = filter_for(with_reads);
  raise(SIGSTOP);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) _exit(98);
  execvp(command[0], command);
  perror(command[0]);
  _exit(97);
}

static void parse_rule(const char *text) {
  struct rule *rule = &rules[rule_count++];
  char what[64] = "";
  if (rule_count > 8 || sscanf(text, "%23[^:]:%ld:%63s", rule->kind, &rule->n, what) != 3) {
    fprintf(stderr, "tracer: -i KIND:N:WHAT\n");
    exit(99);
  }
  rule->goes_on = what[strlen(what) - 1] == '+';
  rule->is_short = strncmp(what, "short", 5) == 0;
  rule->error = atoi(what);
}

/* The thread goes on, and its call's end is seen if it is in one. */
static void go_on(struct task *t, int signal) { ptrace(t->in_call ? PTRACE_SYSCALL : PTRACE_CONT, t->tid, 0, signal); }

static void on_stop(struct task *t, int status) {
  int signal = WSTOPSIG(status), event = status >> 16;
  int is_stop = signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
  if (event == PTRACE_EVENT_SECCOMP) on_entry(t);
  else if (signal == (SIGTRAP | 0x80)) {
    if (t->in_call) on_exit_of(t);
    else ptrace(PTRACE_CONT, t->tid, 0, 0);
  } else if (event == PTRACE_EVENT_STOP && is_stop) ptrace(PTRACE_LISTEN, t->tid, 0, 0);
  else go_on(t, event ? 0 : signal);
}

static int follow(pid_t pid) {
  int status, code = 99;
  for (;;) {
    pid_t tid = waitpid(-1, &status, __WALL);
    if (tid < 0 && errno == EINTR) continue;
    if (tid < 0) return code;
    struct task *t = task_of(tid);
    if (WIFSTOPPED(status)) on_stop(t, status);
    else t->used = 0;
    if (tid == pid && WIFEXITED(status)) code = WEXITSTATUS(status);
    if (tid == pid && WIFSIGNALED(status)) code = 128 + WTERMSIG(status);
  }
}

int main(int argc, char **argv) {
  int option, status;
  while ((option = getopt(argc, argv, "+r:o:d:Ri:")) != -1) switch (option) {
    case 'r': if (!realpath(optarg, root)) die(optarg); break;
    case 'o': if (!(lines = fopen(optarg, "we"))) die(optarg); break;
    case 'd': if ((bytes = open(optarg, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0) die(optarg); break;
    case 'R': with_reads = 1; break;
    case 'i': parse_rule(optarg); break;
    default: return 99;
  }
  fd_path(getpid(), 1, output);
  pid_t pid = fork();
  if (pid == 0) run(argv + optind);
  if (waitpid(pid, &status, WUNTRACED) != pid) die("waitpid");
  long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                 PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SEIZE, pid, 0, options)) die("ptrace");
  kill(pid, SIGCONT);
  task_of(pid);
  int code = follow(pid);
  if (!lines) return code;
  for (int i = 0; i < rule_count; i++)
    fprintf(lines, "{\"kind\":\"rule\",\"n\":%ld,\"seen\":%ld,\"isHit\":%s}\n", rules[i].n, rules[i].seen, rules[i].hit ? "true" : "false");
  fprintf(lines, "{\"kind\":\"end\",\"code\":%d}\n", code);
  fclose(lines);
  return code;
}
