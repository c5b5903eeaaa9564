/*
 * A clock that can be set, for one program: LD_PRELOAD. The file that CLOCK_FILE names holds two numbers of 64 bits: 1 if
 * the clock stands still, else 0; and its Unix milliseconds, or how far it is ahead. Only the time of day is set; the
 * clocks that measure how long something takes are the system's.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *setting;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("CLOCK_FILE");
  int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *map = mmap(NULL, 16, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (map != MAP_FAILED) setting = map;
}

static int is_time_of_day(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE; }

int clock_gettime(clockid_t clock, struct timespec *to) {
  long result = syscall(SYS_clock_gettime, clock, to);
  if (result != 0 || !setting || !is_time_of_day(clock)) return (int)result;
  int64_t nanoseconds = setting[1] * 1000000;
  if (!setting[0]) nanoseconds += (int64_t)to->tv_sec * 1000000000 + to->tv_nsec;
  to->tv_sec = nanoseconds / 1000000000;
  to->tv_nsec = nanoseconds % 1000000000;
  if (to->tv_nsec < 0) {
    to->tv_nsec += 1000000000;
    to->tv_sec--;
  }
  return 0;
}

int gettimeofday(struct timeval *restrict to, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  to->tv_sec = now.tv_sec;
  to->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *to) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (to) *to = now.tv_sec;
  return now.tv_sec;
}
