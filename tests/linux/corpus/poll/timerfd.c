/* timerfd: once, again and again, absolute, disarmed; what reading gives. */
#include "corpus.h"
#include <poll.h>
#include <sys/timerfd.h>

int main(void)
{
    uint64_t value = 0;
    struct itimerspec once = { { 0, 0 }, { 0, 20000000 } }, often = { { 0, 10000000 }, { 0, 10000000 } }, none = { 0 }, is;
    int fd = (int)NEED(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
    struct pollfd one = { .fd = fd, .events = POLLIN };
    SHOW(read(fd, &value, 8));
    SHOW(timerfd_settime(fd, 0, &once, NULL));
    SHOW(read(fd, &value, 8));
    SHOW(poll(&one, 1, -1));
    SHOW(read(fd, &value, 8));
    printf("%llu\n", (unsigned long long)value);
    SHOW(timerfd_gettime(fd, &is));
    printf("%ld %ld\n", (long)is.it_value.tv_sec, is.it_value.tv_nsec);
    SHOW(timerfd_settime(fd, 0, &often, NULL));
    sleep_ms(55);
    SHOW(read(fd, &value, 8));
    TRUE_OR_NOT(value >= 5);
    SHOW(timerfd_settime(fd, 0, &none, &is));
    printf("interval %ld\n", is.it_interval.tv_nsec);
    SHOW(read(fd, &value, 8));
    struct itimerspec past = { { 0, 0 }, { 0, 1 } };
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &past, NULL));
    SHOW(poll(&one, 1, 100));
    SHOW(read(fd, &value, 4));
    SHOW(write(fd, &value, 8));
    SHOW(timerfd_create(77, 0));
    SHOW(timerfd_create(CLOCK_REALTIME, 77));
    SHOW(timerfd_settime(0, 0, &once, NULL));
    once.it_value.tv_nsec = 1000000000;
    SHOW(timerfd_settime(fd, 0, &once, NULL));
    SHOW(timerfd_settime(fd, 77, &none, NULL));
    return 0;
}
