// Which of Highway's targets this CPU has: the four functions that Highway declares in
// hwy/targets.h and defines in its library. They stand here because doppio then needs Highway's
// headers only: a cross build finds no library for its board, and Debian has none to link
// statically.
#include <hwy/highway.h>

#include <atomic>
#include <cstdint>

#if HWY_ARCH_X86
#include <cpuid.h>
#elif HWY_ARCH_ARM && defined(__linux__)
#include <sys/auxv.h>
#include <sys/prctl.h>
#endif

namespace hwy {
namespace {

#if HWY_ARCH_X86

struct Registers {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers Cpuid(uint32_t leaf, uint32_t subleaf) {
  Registers r;
  if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
  return r;
}

constexpr bool HasAll(uint32_t value, std::initializer_list<int> bits) {
  for (const int bit : bits) {
    if ((value >> bit & 1) == 0) return false;
  }
  return true;
}

// The register states that the operating system saves (XCR0).
uint32_t SavedStates() {
  uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

// Bits as in Intel's Software Developer's Manual, volume 2A, CPUID; what each target may use is
// what hwy/ops/set_macros-inl.h tells the compiler.
int64_t DetectTargets() {
  const Registers basic = Cpuid(1, 0), extended = Cpuid(7, 0);
  int64_t targets = 0;
  const bool ssse3 = HasAll(basic.edx, {25, 26}) && HasAll(basic.ecx, {0, 9});
  if (!ssse3) return targets;
  targets |= HWY_SSSE3;
  // SSE4.1, SSE4.2, PCLMULQDQ, AES.
  if (!HasAll(basic.ecx, {19, 20, 1, 25})) return targets;
  targets |= HWY_SSE4;
  // AVX, FMA, F16C, OSXSAVE; AVX2, BMI, BMI2; the upper halves of registers are saved.
  constexpr uint32_t kAvxStates = 0x6, kAvx512States = 0xE6;
  const bool avx2 = HasAll(basic.ecx, {28, 12, 29, 27}) && HasAll(extended.ebx, {5, 3, 8}) &&
                    (SavedStates() & kAvxStates) == kAvxStates;
  if (!avx2) return targets;
  targets |= HWY_AVX2;
  // AVX-512 F, VL, DQ, BW.
  const bool avx3 =
      HasAll(extended.ebx, {16, 31, 17, 30}) && (SavedStates() & kAvx512States) == kAvx512States;
  if (!avx3) return targets;
  targets |= HWY_AVX3;
  // VNNI, VPCLMULQDQ, VBMI, VBMI2, VAES, BITALG, VPOPCNTDQ; the compiler may use AVX-VNNI too.
  const Registers more = Cpuid(7, 1);
  if (HasAll(extended.ecx, {11, 10, 1, 6, 9, 12, 14}) && HasAll(more.eax, {4})) {
    targets |= HWY_AVX3_DL;
  }
  return targets;
}

#elif HWY_ARCH_ARM && defined(__linux__)

// Bits as in Linux's uapi/asm/hwcap.h.
int64_t DetectTargets() {
  int64_t targets = 0;
  const auto bits = getauxval(AT_HWCAP);
#if HWY_ARCH_ARM_A64
  if (bits >> 3 & 1) targets |= HWY_NEON;  // with AES
  if (bits >> 22 & 1) {
    constexpr int kGetVectorLength = 51, kLengthMask = 0xFFFF;  // PR_SVE_GET_VL
    const int bytes = prctl(kGetVectorLength) & kLengthMask;
    const bool sve2 = getauxval(AT_HWCAP2) >> 1 & 1;
    targets |= HWY_SVE;
    if (bytes == 32) targets |= HWY_SVE_256;
    if (sve2) targets |= HWY_SVE2;
    if (sve2 && bytes == 16) targets |= HWY_SVE2_128;
  }
#else
  if ((bits >> 12 & 1) && (bits >> 16 & 1)) targets |= HWY_NEON;  // NEON and VFPv4
#endif
  return targets;
}

#else

int64_t DetectTargets() { return 0; }

#endif

// 0: not set. Tests only.
std::atomic<int64_t> supported_for_test{0};
std::atomic<int64_t> disabled{0};

}  // namespace

HWY_DLLEXPORT int64_t SupportedTargets() {
  int64_t targets = supported_for_test.load(std::memory_order_relaxed);
  // What the compiler may use everywhere is there, or nothing would run.
  if (targets == 0) targets = DetectTargets() | HWY_STATIC_TARGET | HWY_SCALAR | HWY_EMU128;
  targets &= ~disabled.load(std::memory_order_relaxed);
  return targets != 0 ? targets : HWY_STATIC_TARGET;
}

HWY_DLLEXPORT void SetSupportedTargetsForTest(int64_t targets) {
  supported_for_test.store(targets, std::memory_order_relaxed);
  GetChosenTarget().DeInit();
}

HWY_DLLEXPORT void DisableTargets(int64_t targets) {
  disabled.store(targets, std::memory_order_relaxed);
  GetChosenTarget().DeInit();
}

HWY_DLLEXPORT ChosenTarget& GetChosenTarget() {
  static ChosenTarget chosen;
  return chosen;
}

}  // namespace hwy
