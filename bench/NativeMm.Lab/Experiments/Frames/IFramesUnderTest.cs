using NativeMm.Frames;
using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Frames;

/// <summary>
/// A frame allocator as the workloads see it. Implementations are structs around a sealed class, so that the JIT compiles every workload
/// once an allocator, with direct calls.
/// </summary>
internal interface IFramesUnderTest
{
    /// <summary>The allocator itself, for everything that is not measured.</summary>
    IFrameAllocator Allocator { get; }

    /// <summary>Takes a block.</summary>
    bool TryGet(Order order, out Pfn frame);

    /// <summary>Gives a block back.</summary>
    void Put(Pfn frame, Order order);
}
