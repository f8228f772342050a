/* What cannot be executed, and why. */
#include "corpus.h"

static void try(const char *path)
{
    char *words[] = { "x", NULL }, *environment[] = { NULL };
    execve(path, words, environment);
    printf("%s: %s\n", path, errno_name(errno));
}

int main(void)
{
    char name[5000];
    make_file("text", "hello\n");
    make_file("empty", "");
    make_file("half", "\x7f" "ELF");
    make_file("no-permission", "#!/bin/sh\n");
    make_file("no-interpreter", "#!/nowhere/sh\n");
    make_file("bare", "#!\n");
    make_file("directory-interpreter", "#!/tmp\n");
    chmod("text", 0755);
    chmod("empty", 0755);
    chmod("half", 0755);
    chmod("no-interpreter", 0755);
    chmod("bare", 0755);
    chmod("directory-interpreter", 0755);
    symlink("loop", "loop");
    try("text");
    try("empty");
    try("half");
    try("no-permission");
    try("no-interpreter");
    try("bare");
    try("directory-interpreter");
    try("loop");
    try(".");
    try("nothing");
    try("text/below");
    try("");
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = 0;
    errno = 0;
    SHOW(execve(name, (char *[]){ "x", NULL }, NULL));
    SHOW(execve((char *)8, (char *[]){ "x", NULL }, NULL));
    SHOW(execve("/bin/sh", (char **)8, NULL));
    return 0;
}
