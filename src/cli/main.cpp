#include "cli/run_cli.h"

int main(int argc, char** argv) {
  return walrock::run_cli(argc, argv);
}
