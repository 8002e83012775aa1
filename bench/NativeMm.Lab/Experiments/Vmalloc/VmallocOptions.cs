using NativeMm.Lab.Harness;
using NativeMm.Vmap;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>The allocator's options in the tests that run on it as it is.</summary>
internal static class VmallocOptions
{
    private const ulong Bytes = 1UL << 30;
    private const ulong BytesQuick = 256UL << 20;

    /// <summary>Everything as the library has it, but for the size of the zone and, where it is asked for, the pages that may be outstanding.</summary>
    /// <param name="request">What is measured.</param>
    /// <param name="lazyPagesMax">Pages that may be outstanding; 0 lets the library choose.</param>
    public static VmapOptions Of(MeasurementRequest request, uint lazyPagesMax) => new()
    {
        CapacityBytes = request.Quick ? BytesQuick : Bytes,
        Purge = new LazyPurgePolicy { LazyPagesMax = lazyPagesMax },
    };
}
