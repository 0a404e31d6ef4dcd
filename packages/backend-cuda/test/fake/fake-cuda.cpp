// A driver without a card: the same exported names as libcuda, memory from malloc, kernels that g++ compiled. It is stricter than a real
// one: memory is poisoned when it is given out, writes past its end are found, a barrier that not all threads of a block reach is an
// error, and a call from a thread without a context fails. A stream can be captured: what is then asked of it runs when the graph is
// launched, what a real driver refuses while it captures is refused with its codes (and some that it would only frown upon), and a graph
// that is launched after memory which it uses was freed is an illegal address.
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <sys/mman.h>
#include <ucontext.h>
#include <vector>

namespace {

struct Dim3 { unsigned x, y, z; };
struct FakeRuntime {
  Dim3 threadIdx, blockIdx, blockDim, gridDim;
  void (*barrier)();
  const unsigned long long *(*exchange)(unsigned long long, unsigned);
};
FakeRuntime rt;

// ---- threads of a block as fibers -------------------------------------------------------------------------------------------------

enum State { ready, atBarrier, inWarp, done };
constexpr int mostThreads = 1024;
constexpr size_t stackBytes = 64 * 1024;
struct Fiber { ucontext_t entry; jmp_buf at; bool started; State state; unsigned mask; int parity; Dim3 index; };
Fiber fibers[mostThreads];
char *stacks = nullptr;
int running;
jmp_buf scheduler;
unsigned long long slots[2][mostThreads];
void (*kernelEntry)(void **);
void **kernelParams;

void yieldAs(State state) {
  Fiber &f = fibers[running];
  f.state = state;
  if (!_setjmp(f.at)) _longjmp(scheduler, 1);
}

void barrier() { yieldAs(atBarrier); }

// Every lane puts a value down and reads the others' when all of the mask have. Two sets of slots, so that a fast lane does not overwrite
// what a slow one has still to read.
const unsigned long long *exchange(unsigned long long value, unsigned mask) {
  Fiber &f = fibers[running];
  int self = running, parity = f.parity;
  slots[parity][self] = value;
  f.mask = mask;
  f.parity ^= 1;
  yieldAs(inWarp);
  return &slots[parity][self & ~31];
}

void fiberMain() {
  kernelEntry(kernelParams);
  fibers[running].state = done;
  _longjmp(scheduler, 1);
}

void resume(int i) {
  Fiber &f = fibers[i];
  running = i;
  rt.threadIdx = f.index;
  if (_setjmp(scheduler)) return;
  if (f.started) _longjmp(f.at, 1);
  f.started = true;
  setcontext(&f.entry);
}

unsigned warpSeed = 0;

// Whether the block ran to its end; false: some threads wait for others that will never come.
bool runBlock(int n) {
  for (int i = 0; i < n; i++) {
    Fiber &f = fibers[i];
    f.started = false;
    f.state = ready;
    f.parity = 0;
    unsigned x = rt.blockDim.x, y = rt.blockDim.y;
    f.index = {i % x, i / x % y, i / (x * y)};
    getcontext(&f.entry);
    f.entry.uc_stack.ss_sp = stacks + i * stackBytes;
    f.entry.uc_stack.ss_size = stackBytes;
    f.entry.uc_link = nullptr;
    makecontext(&f.entry, fiberMain, 0);
  }
  int warps = (n + 31) / 32;
  std::vector<int> order(warps);
  for (;;) {
    for (int w = 0; w < warps; w++) order[w] = w;
    for (int w = warps - 1; warpSeed != 0 && w > 0; w--) {
      warpSeed = warpSeed * 1664525u + 1013904223u;
      std::swap(order[w], order[(warpSeed >> 8) % (w + 1)]);
    }
    bool progress = false;
    for (int w : order) {
      int from = 32 * w, to = from + 32 < n ? from + 32 : n;
      for (int i = from; i < to; i++)
        if (fibers[i].state == ready) { resume(i); progress = true; }
      for (int i = from; i < to; i++) {
        if (fibers[i].state != inWarp) continue;
        unsigned mask = fibers[i].mask;
        bool all = true;
        for (int j = from; j < to; j++)
          if ((mask >> (j - from) & 1u) && !(fibers[j].state == inWarp && fibers[j].mask == mask)) all = false;
        if (!all) continue;
        for (int j = from; j < to; j++) if (mask >> (j - from) & 1u) fibers[j].state = ready;
        progress = true;
      }
    }
    int finished = 0, waiting = 0;
    for (int i = 0; i < n; i++) {
      finished += fibers[i].state == done;
      waiting += fibers[i].state == atBarrier;
    }
    if (finished == n) return true;
    if (waiting == n) {
      for (int i = 0; i < n; i++) fibers[i].state = ready;
      continue;
    }
    if (!progress) return false;
  }
}

// ---- device -----------------------------------------------------------------------------------------------------------------------

constexpr size_t guardBytes = 64;
constexpr unsigned char guardByte = 0xA5;
constexpr int mostDevices = 16;
struct Allocation { size_t size; long serial; int device; };
std::map<char *, Allocation> allocations;
std::map<std::string, long> counts;
std::map<std::string, int> failures;
size_t usedOf[mostDevices], highOf[mostDevices], totalBytes = 1ull << 30;
int multiprocessors = 132, deviceCount = 1, deadOf[mostDevices], copyDelay = 0;
// A context a card; its address is the handle.
struct Context {} contexts[mostDevices];
struct Pool {} pools[mostDevices];
thread_local void *current = nullptr;
// Whether cards have a way between them, and whose pool is open to whom.
bool peers = true, openTo[mostDevices][mostDevices];

int deviceOf(void *context) { return (int)((Context *)context - contexts); }
int here() { return deviceOf(current); }

struct PendingCopy { void *to; std::vector<char> data; int device; };
std::vector<PendingCopy> pending;
struct Event { int left; bool captured; };
struct Module { void *handle; bool usesFibers; };
struct Function { void (*run)(void **); Module *module; std::vector<unsigned> sizes; };

// What is on its way to the host from one card arrives when that card is waited for.
bool isPending() {
  for (auto &copy : pending) if (copy.device == here()) return true;
  return false;
}
void flush() {
  std::vector<PendingCopy> others;
  for (auto &copy : pending)
    if (copy.device == here()) memcpy(copy.to, copy.data.data(), copy.data.size()); else others.push_back(std::move(copy));
  pending = std::move(others);
}

bool guardsHold() {
  for (auto &[p, a] : allocations)
    for (size_t i = 0; i < guardBytes; i++) if ((unsigned char)p[a.size + i] != guardByte) return false;
  return true;
}

bool inside(const void *p, size_t n) {
  auto it = allocations.upper_bound((char *)p);
  if (it == allocations.begin()) return false;
  --it;
  return (char *)p + n <= it->first + it->second.size && it->second.device == here();
}

// The card of an address; -1: of none.
int ownerOf(const void *p) {
  auto it = allocations.upper_bound((char *)p);
  if (it == allocations.begin()) return -1;
  --it;
  return (char *)p < it->first + it->second.size ? it->second.device : -1;
}

// A kernel may touch memory of its own card, and of one whose pool is open to it.
bool reachable(const void *p) {
  int owner = ownerOf(p);
  return owner < 0 || owner == here() || openTo[owner][here()];
}

// ---- capture ----------------------------------------------------------------------------------------------------------------------

// A piece of work, and the allocations that it was recorded with.
struct Node { std::function<int()> run; std::map<char *, long> uses; };
struct Graph { std::vector<Node> nodes; };
enum Capture { idle, recording, invalid } capture = idle;
void *capturedStream = nullptr;
Graph *captured = nullptr;
long serials = 0, liveGraphs = 0, liveExecs = 0, kernelsLeft = -1;
int kernelFailure = 0;

// Refused while a stream is captured in the mode of its thread, and the end of that capture. A real driver would record the asynchronous
// allocation and the copies from and to pageable memory, which no replay could repeat.
const std::set<std::string> endsCapture = {
    "cuStreamSynchronize", "cuCtxSynchronize", "cuModuleLoadData", "cuModuleUnload", "cuMemAllocAsync", "cuMemFreeAsync", "cuMemHostAlloc",
    "cuMemFreeHost", "cuMemPoolTrimTo", "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2", "cuGraphLaunch", "cuStreamCreateWithPriority"};

void addUse(Node &node, const void *p) {
  auto it = allocations.upper_bound((char *)p);
  if (it == allocations.begin()) return;
  --it;
  if ((char *)p < it->first + it->second.size) node.uses[it->first] = it->second.serial;
}

// Work for the stream: done at once, or recorded.
int onStream(std::function<int()> run, std::initializer_list<const void *> uses) {
  if (capture == invalid) return 901;
  for (const void *p : uses) if (!reachable(p)) return deadOf[here()] = 700;
  if (capture == idle) return run();
  Node node{std::move(run), {}};
  for (const void *p : uses) addUse(node, p);
  captured->nodes.push_back(std::move(node));
  return 0;
}

// What every call does first: count, fail if it was told to, refuse where there is no context or the device is dead.
int enter(const char *name, bool needsContext = true) {
  counts[name]++;
  auto failure = failures.find(name);
  if (failure != failures.end()) {
    int code = failure->second;
    failures.erase(failure);
    return code;
  }
  if (needsContext && current == nullptr) return 201;
  if (needsContext && deadOf[here()] != 0) return deadOf[here()];
  if (capture != idle && endsCapture.count(name) != 0) {
    bool first = capture == recording;
    capture = invalid;
    return first ? 900 : 901;
  }
  return 0;
}

}  // namespace

// Streams belong to the context in which they were made; the copying, allocating and launching calls ask.
#define OF_CONTEXT(stream) if (*(void **)(stream) != current) return 400

#define API extern "C" __attribute__((visibility("default")))
#define ENTER(...) if (int refused = enter(__func__, ##__VA_ARGS__)) return refused

// ---- for the tests ----------------------------------------------------------------------------------------------------------------

API int fakeFailNext(const char *name, int code) { failures[name] = code; return 0; }
API int fakeCount(const char *name) { return (int)counts[name]; }
API int fakeSetMultiprocessors(int n) { multiprocessors = n; return 0; }
API int fakeSetWarpSeed(unsigned seed) { warpSeed = seed; return 0; }
API int fakeSetMemory(double bytes) { totalBytes = (size_t)bytes; return 0; }
API int fakeSetCopyDelay(int queries) { copyDelay = queries; return 0; }
API int fakeLiveAllocations() { return (int)allocations.size(); }
API int fakeSetDevices(int n) { deviceCount = n < mostDevices ? n : mostDevices; return 0; }
API int fakeRevive() { for (int &dead : deadOf) dead = 0; return 0; }
API int fakeSetPeers(int there) { peers = there != 0; memset(openTo, 0, sizeof openTo); return 0; }
// For the fake NCCL: whose a stream and an array are, whether a card may read another's memory, and the end of a card.
API int fakeStreamDevice(void *stream) { return deviceOf(*(void **)stream); }
API int fakeOwner(const void *p, size_t n) { return n == 0 || ownerOf((const char *)p + n - 1) == ownerOf(p) ? ownerOf(p) : -1; }
API int fakeMayRead(int device, int of) { return !peers || device == of || openTo[of][device]; }
API int fakeKill(int device, int code) { return deadOf[device] = code; }
API void *fakeContext(int device) { return &contexts[device]; }
API int fakeLiveGraphs() { return (int)(liveGraphs + liveExecs); }
// The kernel that runs after `before` others fails as a device fails: the next call says so.
API int fakeFailKernel(int before, int code) { kernelsLeft = before; kernelFailure = code; return 0; }
// For the fake libraries (stream.h): their work on the stream. `drop` is called when it will not run again.
API int fakeOnStream(int (*run)(void *), void *data, void (*drop)(void *), const void *const *uses, int count) {
  if (int refused = enter(__func__)) return refused;
  std::shared_ptr<void> held(data, drop);
  if (capture != recording) return onStream([=] { return run(held.get()); }, {});
  int result = onStream([=] { return run(held.get()); }, {});
  for (int i = 0; i < count; i++) addUse(captured->nodes.back(), uses[i]);
  return result;
}

// ---- the driver -------------------------------------------------------------------------------------------------------------------

API int cuInit(unsigned) { ENTER(false); return 0; }
API int cuDriverGetVersion(int *version) { ENTER(false); *version = 13000; return 0; }
API int cuDeviceGetCount(int *count) { ENTER(false); *count = deviceCount; return 0; }
API int cuDeviceGet(int *device, int index) { ENTER(false); *device = index; return index < deviceCount ? 0 : 101; }
API int cuDeviceGetName(char *name, int length, int) { ENTER(false); snprintf(name, length, "Fake card"); return 0; }
API int cuDeviceTotalMem_v2(size_t *bytes, int) { ENTER(false); *bytes = totalBytes; return 0; }
API int cuDeviceGetAttribute(int *value, int attribute, int) {
  ENTER(false);
  switch (attribute) {
    case 1: *value = 1024; return 0;
    case 10: *value = 32; return 0;
    case 16: *value = multiprocessors; return 0;
    case 38: *value = 60 << 20; return 0;
    case 75: *value = 9; return 0;
    case 76: *value = 0; return 0;
    case 115: *value = 1; return 0;
    default: return 1;
  }
}
API int cuGetErrorName(int code, const char **name) {
  switch (code) {
    case 1: *name = "CUDA_ERROR_INVALID_VALUE"; return 0;
    case 2: *name = "CUDA_ERROR_OUT_OF_MEMORY"; return 0;
    case 100: *name = "CUDA_ERROR_NO_DEVICE"; return 0;
    case 101: *name = "CUDA_ERROR_INVALID_DEVICE"; return 0;
    case 201: *name = "CUDA_ERROR_INVALID_CONTEXT"; return 0;
    case 209: *name = "CUDA_ERROR_NO_BINARY_FOR_GPU"; return 0;
    case 400: *name = "CUDA_ERROR_INVALID_HANDLE"; return 0;
    case 401: *name = "CUDA_ERROR_ILLEGAL_STATE"; return 0;
    case 500: *name = "CUDA_ERROR_NOT_FOUND"; return 0;
    case 600: *name = "CUDA_ERROR_NOT_READY"; return 0;
    case 700: *name = "CUDA_ERROR_ILLEGAL_ADDRESS"; return 0;
    case 719: *name = "CUDA_ERROR_LAUNCH_FAILED"; return 0;
    case 900: *name = "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"; return 0;
    case 901: *name = "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"; return 0;
    case 907: *name = "CUDA_ERROR_CAPTURED_EVENT"; return 0;
    case 908: *name = "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD"; return 0;
    default: *name = "CUDA_ERROR_UNKNOWN"; return 0;
  }
}
API int cuDevicePrimaryCtxRetain(void **context, int device) { ENTER(false); *context = &contexts[device]; return 0; }
API int cuDevicePrimaryCtxRelease_v2(int) { ENTER(false); return 0; }
API int cuCtxSetCurrent(void *context) { ENTER(false); current = context; return 0; }
API int cuStreamCreateWithPriority(void **stream, unsigned, int) { ENTER(); *stream = malloc(sizeof(void *)); *(void **)*stream = current; return 0; }
API int cuStreamDestroy_v2(void *stream) { ENTER(); free(stream); return 0; }
API int cuEventCreate(void **event, unsigned) { ENTER(); *event = new Event{0, false}; return 0; }
API int cuEventRecord(void *event, void *) {
  ENTER();
  if (capture == invalid) return 901;
  *(Event *)event = {isPending() ? copyDelay : 0, capture == recording};
  return 0;
}
API int cuEventQuery(void *event) {
  ENTER();
  if (((Event *)event)->captured) { if (capture == recording) capture = invalid; return 907; }
  if (((Event *)event)->left-- > 0) return 600;
  flush();
  return 0;
}
API int cuEventDestroy_v2(void *event) { ENTER(); delete (Event *)event; return 0; }

// Where a real card reports what kernels did wrong before.
static int synchronise() {
  flush();
  if (!guardsHold()) return deadOf[here()] = 700;
  return 0;
}
API int cuStreamSynchronize(void *stream) { ENTER(); OF_CONTEXT(stream); return synchronise(); }
API int cuCtxSynchronize() { ENTER(); return synchronise(); }

API int cuMemGetInfo_v2(size_t *available, size_t *total) { ENTER(); *available = totalBytes - usedOf[here()]; *total = totalBytes; return 0; }
API int cuDeviceGetDefaultMemPool(void **pool, int device) { ENTER(false); *pool = &pools[device]; return 0; }
API int cuDeviceCanAccessPeer(int *can, int device, int of) {
  ENTER(false);
  if (device < 0 || device >= deviceCount || of < 0 || of >= deviceCount) return 101;
  *can = peers && device != of;
  return 0;
}
struct AccessDescription { int locationKind, location, flags; };
API int cuMemPoolSetAccess(void *pool, const AccessDescription *to, size_t count) {
  ENTER();
  for (size_t i = 0; i < count; i++) {
    if (to[i].locationKind != 1 || (to[i].flags != 3 && to[i].flags != 0)) return 1;
    if (to[i].location < 0 || to[i].location >= deviceCount || !peers) return 101;
    openTo[(Pool *)pool - pools][to[i].location] = to[i].flags == 3;
  }
  return 0;
}
API int cuMemPoolSetAttribute(void *, int, void *) { ENTER(); return 0; }
API int cuMemPoolGetAttribute(void *, int attribute, void *value) {
  ENTER();
  *(uint64_t *)value = attribute == 6 || attribute == 8 ? highOf[here()] : usedOf[here()];
  return 0;
}
API int cuMemPoolTrimTo(void *, size_t) { ENTER(); return 0; }
API int cuMemAllocAsync(void **p, size_t n, void *stream) {
  ENTER();
  OF_CONTEXT(stream);
  size_t &usedBytes = usedOf[here()], &highBytes = highOf[here()];
  if (usedBytes + n > totalBytes) return 2;
  char *memory = (char *)aligned_alloc(256, (n + guardBytes + 255) / 256 * 256);
  memset(memory, 0xFF, n);  // NaN, −1, true
  memset(memory + n, guardByte, guardBytes);
  allocations[memory] = {n, ++serials, here()};
  usedBytes += n;
  if (usedBytes > highBytes) highBytes = usedBytes;
  *p = memory;
  return 0;
}
API int cuMemFreeAsync(void *p, void *stream) {
  ENTER();
  OF_CONTEXT(stream);
  auto it = allocations.find((char *)p);
  if (it == allocations.end() || it->second.device != here()) return 1;
  bool held = guardsHold();
  usedOf[here()] -= it->second.size;
  memset(p, 0xDE, it->second.size);
  allocations.erase(it);
  free(p);
  return held ? 0 : deadOf[here()] = 700;
}
API int cuMemHostAlloc(void **p, size_t n, unsigned) { ENTER(); *p = aligned_alloc(4096, (n + 4095) / 4096 * 4096); return 0; }
API int cuMemFreeHost(void *p) { ENTER(); free(p); return 0; }
API int cuMemcpyHtoDAsync_v2(void *to, const void *from, size_t n, void *stream) {
  ENTER();
  OF_CONTEXT(stream);
  if (!inside(to, n)) return 1;
  memcpy(to, from, n);
  return 0;
}
// What is copied is what stood there when it was asked for; it arrives when the stream has been waited for.
API int cuMemcpyDtoHAsync_v2(void *to, const void *from, size_t n, void *stream) {
  ENTER();
  OF_CONTEXT(stream);
  if (!inside(from, n)) return 1;
  pending.push_back({to, std::vector<char>((const char *)from, (const char *)from + n), here()});
  return 0;
}
API int cuMemcpyDtoDAsync_v2(void *to, const void *from, size_t n, void *stream) {
  ENTER();
  OF_CONTEXT(stream);
  if (!inside(to, n) || !inside(from, n)) return 1;
  return onStream([=] { memmove(to, from, n); return 0; }, {to, from});
}
API int cuMemsetD8Async(void *to, unsigned char value, size_t n, void *stream) {
  ENTER();
  OF_CONTEXT(stream);
  if (!inside(to, n)) return 1;
  return onStream([=] { memset(to, value, n); return 0; }, {to});
}

// An image is the path of a shared object that the fake compiler made.
API int cuModuleLoadData(void **module, const void *image) {
  ENTER();
  const char *text = (const char *)image;
  if (strncmp(text, "CURVFAKE ", 9) != 0) return 209;
  void *handle = dlopen(text + 9, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) { fprintf(stderr, "fake-cuda: %s\n", dlerror()); return 209; }
  *(FakeRuntime **)dlsym(handle, "curv_rt") = &rt;
  rt.barrier = barrier;
  rt.exchange = exchange;
  *module = new Module{handle, *(int *)dlsym(handle, "curv_uses_fibers") != 0};
  return 0;
}
API int cuModuleGetFunction(void **function, void *module, const char *name) {
  ENTER();
  void *run = dlsym(((Module *)module)->handle, (std::string("curv_run_") + name).c_str());
  if (run == nullptr) return 500;
  auto describe = (int (*)(unsigned *))dlsym(((Module *)module)->handle, (std::string("curv_sizes_") + name).c_str());
  unsigned sizes[256];
  int count = describe == nullptr ? 0 : describe(sizes);
  *function = new Function{(void (*)(void **))run, (Module *)module, std::vector<unsigned>(sizes, sizes + count)};
  return 0;
}
API int cuModuleUnload(void *) { ENTER(); return 0; }
API int cuFuncGetAttribute(int *value, int, void *) { ENTER(); *value = 32; return 0; }

static int runKernel(Function *f, Dim3 grid, Dim3 block, void **params) {
  int &dead = deadOf[here()];
  if (kernelsLeft >= 0 && kernelsLeft-- == 0) { dead = kernelFailure; return 0; }
  if (dead != 0) return 0;
  if (stacks == nullptr)
    stacks = (char *)mmap(nullptr, mostThreads * stackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  unsigned n = block.x * block.y * block.z;
  kernelEntry = f->run;
  kernelParams = params;
  rt.blockDim = block;
  rt.gridDim = grid;
  for (unsigned z = 0; z < grid.z; z++)
    for (unsigned y = 0; y < grid.y; y++)
      for (unsigned x = 0; x < grid.x; x++) {
        rt.blockIdx = {x, y, z};
        if (f->module->usesFibers) {
          if (!runBlock((int)n)) { dead = 719; return 0; }  // seen at the next call, as on a card
        } else {
          for (unsigned i = 0; i < n; i++) {
            rt.threadIdx = {i % block.x, i / block.x % block.y, i / (block.x * block.y)};
            f->run(params);
          }
        }
      }
  return 0;
}

API int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned, void *stream,
                       void **params, void **) {
  ENTER();
  OF_CONTEXT(stream);
  unsigned n = bx * by * bz;
  if (n == 0 || n > mostThreads || gx == 0 || gy == 0 || gz == 0 || gy > 65535 || gz > 65535) return 1;
  if (capture == invalid) return 901;
  Function *f = (Function *)function;
  for (size_t i = 0; i < f->sizes.size(); i++)
    if (f->sizes[i] == sizeof(void *) && !reachable(*(void **)params[i])) { deadOf[here()] = 700; return 0; }  // seen at the next call
  Dim3 grid = {gx, gy, gz}, block = {bx, by, bz};
  if (capture == idle) return runKernel(f, grid, block, params);
  // The driver copies the arguments during the call.
  std::vector<uint64_t> values(2 * f->sizes.size());
  Node node;
  for (size_t i = 0; i < f->sizes.size(); i++) {
    memcpy(&values[2 * i], params[i], f->sizes[i]);
    if (f->sizes[i] == sizeof(void *)) addUse(node, (void *)values[2 * i]);
  }
  node.run = [=]() mutable {
    std::vector<void *> table(f->sizes.size());
    for (size_t i = 0; i < table.size(); i++) table[i] = &values[2 * i];
    return runKernel(f, grid, block, table.data());
  };
  captured->nodes.push_back(std::move(node));
  return 0;
}

API int cuStreamBeginCapture_v2(void *stream, int mode) {
  ENTER();
  if (stream == nullptr) return 900;
  if (mode < 0 || mode > 2) return 1;
  if (capture != idle) return 401;
  capture = recording;
  capturedStream = stream;
  captured = new Graph;
  return 0;
}
API int cuStreamEndCapture(void *stream, void **graph) {
  *graph = nullptr;
  if (int refused = enter(__func__)) {
    if (capture != idle) delete captured;
    capture = idle;
    return refused;
  }
  if (capture == idle || stream != capturedStream) return 401;
  bool whole = capture == recording;
  capture = idle;
  if (!whole) {
    delete captured;
    return 901;
  }
  *graph = captured;
  liveGraphs++;
  return 0;
}
API int cuGraphInstantiateWithFlags(void **exec, void *graph, unsigned long long) {
  ENTER();
  *exec = new Graph(*(Graph *)graph);
  liveExecs++;
  return 0;
}
API int cuGraphDestroy(void *graph) { ENTER(); delete (Graph *)graph; liveGraphs--; return 0; }
API int cuGraphExecDestroy(void *exec) { ENTER(); delete (Graph *)exec; liveExecs--; return 0; }
API int cuGraphLaunch(void *exec, void *stream) {
  ENTER();
  OF_CONTEXT(stream);
  int &dead = deadOf[here()];
  for (Node &node : ((Graph *)exec)->nodes) {
    for (auto &[p, serial] : node.uses) {
      auto it = allocations.find(p);
      if (it == allocations.end() || it->second.serial != serial) { dead = 700; return 0; }
    }
    if (int failed = node.run()) { dead = 719; fprintf(stderr, "fake-cuda: a library call in a graph returned %d\n", failed); }
    if (dead != 0) return 0;  // seen at the next call
  }
  return 0;
}
