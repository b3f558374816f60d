#include "gradquake/cli/run.h"

int main(int argc, char** argv) { return gradquake::cli::run(argc, argv); }
