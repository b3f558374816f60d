// A plug-in that needs a function which nobody has.
#include "gradquake/run/plugin.h"

void function_of_a_library_that_was_not_linked();

GRADQUAKE_PLUGIN { function_of_a_library_that_was_not_linked(); }
