using System.Diagnostics;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Peers;

namespace NativeMm.Lab.Experiments.Grow;

/// <summary>Grows one block once and checks what became of its content.</summary>
/// <param name="bytes">Size at the end.</param>
/// <param name="step">Bytes of a step.</param>
/// <param name="pin">Whether the thread is pinned.</param>
internal sealed class GrowMeasurement(ulong bytes, int step, bool pin) : IPeerVisitor<Measurement>
{
    private const int WarmUpSteps = 64;
    private const int WarmUpBytes = 1 << 20;
    private const int WordBytes = sizeof(ulong);

    /// <inheritdoc/>
    public Measurement Visit<TAllocator, THandle>()
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle
    {
        using var crew = new ThreadCrew(1, pin);
        int warmUp = Math.Clamp(WarmUpBytes / step, 1, WarmUpSteps);
        Warmup.UntilCompilerIsQuiet(() => crew.Run(_ => Check<TAllocator, THandle>(Grow<TAllocator, THandle>(warmUp), warmUp)));
        int steps = Math.Max(1, (int)(bytes / (ulong)step));
        ulong before = ResidentMemory.BeginPeak();
        double time = 0;
        crew.Run(_ =>
        {
            long start = Stopwatch.GetTimestamp();
            THandle block = Grow<TAllocator, THandle>(steps);
            time = Stopwatch.GetElapsedTime(start).TotalNanoseconds;
            Check<TAllocator, THandle>(block, steps);
        });
        Measurement result = new Measurement().Add("ns_per_op", time / steps).Add("seconds", time / 1e9);
        return ResidentMemory.IsKnown ? result.Add("rss_peak", ResidentMemory.Peak - before) : result;
    }

    // Each step writes its number at both of its ends.
    private THandle Grow<TAllocator, THandle>(int steps)
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle
    {
        THandle block = default;
        for (int i = 0; i < steps; i++)
        {
            nuint size = (nuint)(i + 1) * (nuint)step;
            block = i == 0 ? TAllocator.Alloc(size) : TAllocator.Realloc(block, size);
            block.Write(size - (nuint)step, (ulong)i);
            block.Write(size - WordBytes, (ulong)i);
        }

        return block;
    }

    private void Check<TAllocator, THandle>(THandle block, int steps)
        where TAllocator : struct, IAllocatorUnderTest<THandle>
        where THandle : struct, IBlockHandle
    {
        for (int i = 0; i < steps; i++)
        {
            nuint end = (nuint)(i + 1) * (nuint)step;
            if (block.Read(end - (nuint)step) != (ulong)i || block.Read(end - WordBytes) != (ulong)i)
            {
                throw new InvalidDataException($"Step {i} of the growing block is not what was written there.");
            }
        }

        TAllocator.Free(block);
    }
}
