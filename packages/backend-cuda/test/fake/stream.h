// For the fake libraries: work on the fake card's stream. It is done at once or, while the stream is captured, when the graph is launched.
//   return onStream({a, b, c}, [=] { ...; return 0; });
// Scalars behind pointers (alpha, beta) must be read before: the caller's memory is gone when a graph runs.
#pragma once
#include <cstdlib>
#include <dlfcn.h>
#include <initializer_list>
#include <string>

using FakeOnStream = int (*)(int (*)(void *), void *, void (*)(void *), const void *const *, int);

inline FakeOnStream fakeOnStream() {
  static FakeOnStream found = [] {
    std::string driver = std::string(getenv("CURV_FAKE_DIR")) + "/libcuda.so.1";
    return (FakeOnStream)dlsym(dlopen(driver.c_str(), RTLD_NOW | RTLD_NOLOAD), "fakeOnStream");
  }();
  return found;
}

// `uses`: what the work reads and writes on the card. Returns 0, the driver's refusal, or what the work returns if it is done at once.
template <class Work> inline int onStream(std::initializer_list<const void *> uses, Work work) {
  return fakeOnStream()([](void *data) { return (*(Work *)data)(); }, new Work(work), [](void *data) { delete (Work *)data; }, uses.begin(),
                        (int)uses.size());
}
