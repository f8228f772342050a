/* alone -static-pie -fPIE */
#include "corpus.h"

/* Position-independent: relocated by itself, loaded somewhere. */
static int value = 7;
static int *const pointers[] = { &value, NULL };

int main(void)
{
    printf("%d %s\n", *pointers[0], pointers[1] ? "other" : "none");
    IN_CHILD("child")
        printf("%d\n", ++*pointers[0]);
    return 3;
}
