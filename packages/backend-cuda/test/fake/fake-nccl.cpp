// Collectives under NCCL's names, on the arrays of the fake cards. It is stricter than the library: what would hang there (a collective that
// not all cards take part in, or one that they do not agree on) is refused; a stream or an array of another card is refused; cards that may
// not read each other's arrays although the machine has a way fail, as kernels of the library do; and after a call the context of the last card is
// current. Extremes are fmax and fmin: they know no NaN.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <string>
#include <vector>

namespace {

void *symbol(const char *name) {
  static void *driver = dlopen((std::string(getenv("CURV_FAKE_DIR")) + "/libcuda.so.1").c_str(), RTLD_NOW | RTLD_NOLOAD);
  return dlsym(driver, name);
}
template <class... A> int ask(const char *name, A... args) { return ((int (*)(A...))symbol(name))(args...); }
void makeCurrent(int device) { ask("cuCtxSetCurrent", ((void *(*)(int))symbol("fakeContext"))(device)); }

struct Clique;
struct Comm { Clique *clique; int rank, device; };
struct Clique { std::vector<Comm *> comms; int left; };

enum Kind { allReduce, broadcast, allGather, reduceScatter };
struct Call { Kind kind; const char *from; char *to; size_t count; int type, op, root; Comm *comm; void *stream; };

thread_local int depth = 0;
thread_local std::vector<Call> queued;
thread_local int refusal = 0;
std::string lastError;
long live = 0, ran = 0;
int failure = 0, asyncError = 0;

size_t bytesOf(int type) { return type == 8 ? 8 : type == 1 ? 1 : 4; }

int refuse(int code, const char *why) { lastError = why; return code; }

template <class T> T combine(int op, T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return op == 2 ? std::fmax(a, b) : op == 3 ? std::fmin(a, b) : a + b;
  else return op == 2 ? (a > b ? a : b) : op == 3 ? (a < b ? a : b) : (T)((uint64_t)a + (uint64_t)b);
}

// Elements `first` to `first + count` of all cards, combined in the order of the cards.
template <class T> std::vector<char> reduced(const std::vector<Call> &calls, size_t first, size_t count) {
  std::vector<char> out(count * sizeof(T));
  T scale = calls[0].op == 4 ? (T)1 / (T)calls.size() : (T)1;
  for (size_t i = 0; i < count; i++) {
    T sum{};
    for (size_t r = 0; r < calls.size(); r++) {
      T x = ((const T *)calls[r].from)[first + i] * scale;
      sum = r == 0 ? x : combine<T>(calls[0].op, sum, x);
    }
    ((T *)out.data())[i] = sum;
  }
  return out;
}
std::vector<char> reduced(const std::vector<Call> &calls, size_t first, size_t count) {
  switch (calls[0].type) {
    case 1: return reduced<uint8_t>(calls, first, count);
    case 2: return reduced<int32_t>(calls, first, count);
    case 3: return reduced<uint32_t>(calls, first, count);
    case 7: return reduced<float>(calls, first, count);
    default: return reduced<double>(calls, first, count);
  }
}

// One collective, of all cards: reads everything before it writes anything.
int run(const std::vector<Call> &calls) {
  const Call &head = calls[0];
  size_t n = calls.size(), bytes = head.count * bytesOf(head.type);
  for (const Call &c : calls) {
    if (c.kind != head.kind || c.count != head.count || c.type != head.type || c.op != head.op || c.root != head.root)
      return refuse(5, "the cards do not agree on a collective");
    if (ask("fakeStreamDevice", c.stream) != c.comm->device) return refuse(5, "a stream of another card");
    size_t in = head.kind == reduceScatter ? n * bytes : bytes, out = head.kind == allGather ? n * bytes : bytes;
    bool reads = head.kind != broadcast || c.comm->rank == head.root;
    if ((reads && ask("fakeOwner", (const void *)c.from, in) != c.comm->device) || ask("fakeOwner", (const void *)c.to, out) != c.comm->device)
      return refuse(4, "an array of another card, or a shorter one");
  }
  for (const Call &a : calls)
    for (const Call &b : calls)
      if (!ask("fakeMayRead", a.comm->device, b.comm->device)) return ask("fakeKill", a.comm->device, 700) == 700 ? 0 : 3;  // seen at the next call
  std::vector<std::vector<char>> results(n);
  std::vector<char> all;
  if (head.kind == broadcast) all.assign(calls[head.root].from, calls[head.root].from + bytes);
  else if (head.kind == allGather) for (const Call &c : calls) all.insert(all.end(), c.from, c.from + bytes);
  else if (head.kind == allReduce) all = reduced(calls, 0, head.count);
  for (size_t r = 0; r < n; r++) results[r] = head.kind == reduceScatter ? reduced(calls, r * head.count, head.count) : all;
  for (size_t r = 0; r < n; r++) memcpy(calls[r].to, results[r].data(), results[r].size());
  ran++;
  return 0;
}

// The k-th call of a communicator meets the k-th of the others.
int end() {
  std::vector<Call> calls = std::move(queued);
  queued.clear();
  if (refusal != 0) { int code = refusal; refusal = 0; return code; }
  if (failure != 0) { int code = failure; failure = 0; return refuse(code, "as the test asked"); }
  while (!calls.empty()) {
    Clique *clique = calls[0].comm->clique;
    std::vector<Call> together;
    for (Comm *comm : clique->comms) {
      size_t i = 0;
      while (i < calls.size() && calls[i].comm != comm) i++;
      if (i == calls.size()) return refuse(5, "a card takes no part in a collective");
      together.push_back(calls[i]);
      calls.erase(calls.begin() + (long)i);
    }
    if (int code = run(together)) return code;
    makeCurrent(clique->comms.back()->device);
  }
  return 0;
}

int call(Call c) {
  bool known = c.type == 1 || c.type == 2 || c.type == 3 || c.type == 7 || c.type == 8;
  bool reduces = c.kind == allReduce || c.kind == reduceScatter;
  if (c.comm == nullptr) return refusal = refuse(4, "comm argument is NULL");
  if (!known || (reduces && c.op != 0 && c.op != 2 && c.op != 3 && c.op != 4)) return refusal = refuse(4, "type or operation");
  if (reduces && c.op == 4 && c.type < 7) return refusal = refuse(4, "the average of integers");
  queued.push_back(c);
  return depth == 0 ? end() : 0;
}

}  // namespace

#define API extern "C" __attribute__((visibility("default")))

API int fakeCommunicators() { return (int)live; }
API int fakeCollectives() { return (int)ran; }
API int fakeFailNccl(int code) { failure = code; return 0; }
API int fakeAsyncError(int code) { asyncError = code; return 0; }

API int ncclGetVersion(int *version) { *version = 23007; return 0; }
API const char *ncclGetLastError(void *) { return lastError.c_str(); }
API int ncclCommInitAll(Comm **comms, int n, const int *devices) {
  Clique *clique = new Clique{{}, n};
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < i; j++) if (devices[i] == devices[j]) return refuse(5, "Duplicate GPU detected");
    clique->comms.push_back(comms[i] = new Comm{clique, i, devices[i]});
  }
  live += n;
  makeCurrent(devices[n - 1]);
  return 0;
}
static int destroy(Comm *comm) {
  Clique *clique = comm->clique;
  makeCurrent(comm->device);
  live--;
  delete comm;
  if (--clique->left == 0) delete clique;
  return 0;
}
API int ncclCommDestroy(Comm *comm) { return destroy(comm); }
API int ncclCommAbort(Comm *comm) { return destroy(comm); }
API int ncclCommGetAsyncError(Comm *, int *error) { *error = asyncError; return 0; }
API int ncclGroupStart() { depth++; return 0; }
API int ncclGroupEnd() { return depth == 0 ? refuse(5, "no group") : --depth == 0 ? end() : 0; }
API int ncclAllReduce(const void *from, void *to, size_t n, int type, int op, Comm *comm, void *stream) {
  return call({allReduce, (const char *)from, (char *)to, n, type, op, 0, comm, stream});
}
API int ncclBroadcast(const void *from, void *to, size_t n, int type, int root, Comm *comm, void *stream) {
  return call({broadcast, (const char *)from, (char *)to, n, type, 0, root, comm, stream});
}
API int ncclAllGather(const void *from, void *to, size_t n, int type, Comm *comm, void *stream) {
  return call({allGather, (const char *)from, (char *)to, n, type, 0, 0, comm, stream});
}
API int ncclReduceScatter(const void *from, void *to, size_t n, int type, int op, Comm *comm, void *stream) {
  return call({reduceScatter, (const char *)from, (char *)to, n, type, op, 0, comm, stream});
}
