#include "program/inside/inside.h"

int main(int argc, char **argv, char **environment)
{
    return inside_main(argc, argv, environment);
}
