/* uname and sysinfo have what programs look for. */
#include "corpus.h"
#include <sys/sysinfo.h>
#include <sys/utsname.h>

int main(void)
{
    struct utsname name;
    struct sysinfo info;
    SHOW(uname(&name));
    printf("%s %s\n", name.sysname, name.machine);
    TRUE_OR_NOT(name.release[0] >= '3' && name.release[0] <= '9');
    TRUE_OR_NOT(name.nodename[0] != 0 && name.version[0] != 0);
    SHOW(uname((struct utsname *)8));
    SHOW(sysinfo(&info));
    TRUE_OR_NOT(info.totalram > info.freeram && info.freeram > 0);
    TRUE_OR_NOT(info.mem_unit >= 1 && info.procs >= 1 && info.uptime >= 0);
    SHOW(sethostname("corpus", 6));
    char host[64];
    SHOW(gethostname(host, sizeof host));
    printf("%s\n", host);
    IN_CHILD("another user") {
        setuid(1000);
        SHOW(sethostname("x", 1));
    }
    return 0;
}
