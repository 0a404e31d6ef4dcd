// A compiler for the fake card: the exported names of NVRTC, the work done by g++ with shim.h. Its "cubin" is the path of a shared object
// in the folder CURV_FAKE_DIR, named by a hash of the source, so that a kernel is compiled once a checkout.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <regex>
#include <spawn.h>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace {
struct Program { std::string source, log, image; };

uint64_t hash(const std::string &text, uint64_t h) {
  for (unsigned char c : text) h = (h ^ c) * 0x100000001b3ull;
  return h;
}

bool exists(const std::string &path) { struct stat s; return stat(path.c_str(), &s) == 0; }

int run(const char **argv, const std::string &log) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  pid_t pid;
  int status = 1;
  if (posix_spawnp(&pid, argv[0], &actions, nullptr, (char **)argv, environ) == 0) waitpid(pid, &status, 0);
  posix_spawn_file_actions_destroy(&actions);
  return status;
}
int compiled = 0;
}  // namespace

#define API extern "C" __attribute__((visibility("default")))

API int fakeCompiled() { return compiled; }
API int nvrtcVersion(int *major, int *minor) { *major = 13; *minor = 0; return 0; }
API int nvrtcGetNumSupportedArchs(int *n) { *n = 4; return 0; }
API int nvrtcGetSupportedArchs(int *list) { int known[] = {80, 90, 100, 120}; memcpy(list, known, sizeof known); return 0; }
API int nvrtcCreateProgram(void **program, const char *source, const char *, int, const char **, const char **) {
  *program = new Program{source, "", ""};
  return 0;
}
API int nvrtcDestroyProgram(void **program) { delete (Program *)*program; *program = nullptr; return 0; }

API int nvrtcCompileProgram(void *handle, int count, const char **options) {
  Program &p = *(Program *)handle;
  bool known = false;
  for (int i = 0; i < count; i++) known |= strncmp(options[i], "-arch=", 6) == 0;
  if (!known) return 5;
  std::string folder = getenv("CURV_FAKE_DIR"), shim = getenv("CURV_FAKE_SHIM");
  // What a launch calls: one entry for each kernel, which takes its arguments from behind pointers.
  std::string text = "#include \"" + shim + "\"\n" + p.source + "\n";
  std::regex kernel("extern \"C\" __global__ void (?:__launch_bounds__\\(\\d+(?:, \\d+)?\\) )?(\\w+)\\(");
  for (std::sregex_iterator it(p.source.begin(), p.source.end(), kernel), end; it != end; ++it) {
    std::string name = (*it)[1];
    text += "extern \"C\" void curv_run_" + name + "(void **p) { curv_call(" + name + ", p); }\n";
    text += "extern \"C\" int curv_sizes_" + name + "(unsigned *sizes) { return curv_sizes(" + name + ", sizes); }\n";
  }
  bool fibers = std::regex_search(p.source, std::regex("__sync|__shfl|__ballot"));
  text += std::string("extern \"C\" { int curv_uses_fibers = ") + (fibers ? "1" : "0") + "; }\n";
  char name[64];
  snprintf(name, sizeof name, "/%016llx%016llx", (unsigned long long)hash(text, 0xcbf29ce484222325ull), (unsigned long long)hash(text, 0x84222325cbf29ceull));
  std::string base = folder + name, object = base + ".so";
  if (!exists(object)) {
    std::string aside = base + "." + std::to_string(getpid());
    std::ofstream(aside + ".cpp") << text;
    const char *argv[] = {"g++", "-w", "-x", "c++", "-std=gnu++17", "-O1", "-ffp-contract=off", "-fno-strict-aliasing", "-fwrapv",
                          "-fno-exceptions", "-fno-rtti", "-fno-asynchronous-unwind-tables", "-fno-math-errno", "-nostdlib", "-shared", "-fPIC",
                          "-o", nullptr, nullptr, nullptr};
    std::string source = aside + ".cpp", out = aside + ".so";
    argv[17] = out.c_str();
    argv[18] = source.c_str();
    int status = run(argv, aside + ".log");
    std::ifstream log(aside + ".log");
    std::stringstream all;
    all << log.rdbuf();
    p.log = all.str();
    unlink((aside + ".log").c_str());
    if (status != 0) return 6;
    unlink(source.c_str());
    rename(out.c_str(), object.c_str());
    compiled++;
  }
  p.image = "CURVFAKE " + object;
  return 0;
}

API int nvrtcGetProgramLogSize(void *p, size_t *n) { *n = ((Program *)p)->log.size() + 1; return 0; }
API int nvrtcGetProgramLog(void *p, char *out) { strcpy(out, ((Program *)p)->log.c_str()); return 0; }
API int nvrtcGetCUBINSize(void *p, size_t *n) { *n = ((Program *)p)->image.size() + 1; return 0; }
API int nvrtcGetCUBIN(void *p, char *out) { strcpy(out, ((Program *)p)->image.c_str()); return 0; }
API int nvrtcGetPTXSize(void *, size_t *n) { *n = 0; return 0; }
API int nvrtcGetPTX(void *, char *) { return 3; }
API const char *nvrtcGetErrorString(int) { return "fake"; }
