/* Scripts: one argument for the interpreter, the script's path, then the words; scripts of scripts. */
#include "corpus.h"

static void script(const char *path, const char *content)
{
    make_file(path, content);
    chmod(path, 0755);
}

static void try(const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        execl(path, "own-name", "word", (char *)NULL);
        printf("%s: %s\n", path, errno_name(errno));
        _exit(1);
    }
    waitpid(child, NULL, 0);
}

int main(void)
{
    script("plain", "#!/bin/echo\n");
    script("argument", "#!/bin/echo one two  three \n");
    script("spaces", "#!   /bin/echo\tone\n");
    script("no-newline", "#!/bin/echo");
    script("outer", "#!./plain x\n");
    script("a1", "#!./plain\n");
    script("a2", "#!./a1\n");
    script("a3", "#!./a2\n");
    script("a4", "#!./a3\n");
    script("a5", "#!./a4\n");
    script("a6", "#!./a5\n");
    script("self", "#!./self\n");
    static const char *const paths[] = { "plain", "./plain", "./argument", "./spaces", "./no-newline", "./outer", "./a1",
        "./a2", "./a3", "./a4", "./a5", "./a6", "./self" };
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++)
        try(paths[i]);
    return 0;
}
