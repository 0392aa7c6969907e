#include "result/ran.h"

const char *const fidelity_names[FIDELITIES] = {"same", "different", "not comparable", "unknown"};
