using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.AddressSpaces;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Faults;

/// <summary>Nanoseconds of each way to read eight bytes of a page that is there, beside a raw pointer over as much memory, in the same order.</summary>
internal sealed unsafe class AccessMeasurement
{
    private const int Reads = 1 << 14;
    private const int Windows = 60;
    private const int Page = 4096;
    private const int Line = 64;

    private readonly long[] _offsets = new long[Reads * Windows];
    private long _sum;

    private AccessMeasurement(int pages)
    {
        // Drawn before: what chooses the next read must not be a part of what is measured.
        var random = new Random(1);
        for (int i = 0; i < _offsets.Length; i++)
        {
            _offsets[i] = ((long)random.Next(pages) * Page) + (random.Next(Page / Line) * Line);
        }
    }

    /// <summary>Measures over so many pages, taken in an order without a pattern.</summary>
    public static Measurement Measure(NativeSpace space, int pages)
    {
        long bytes = (long)pages * Page;
        long address = space.Map(bytes, isHuge: false);
        byte* raw = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, Page);
        for (long at = 0; at < bytes; at += Page)
        {
            space.Touch(address + at, 0);
            raw[at] = 1;
        }

        var measurement = new AccessMeasurement(pages);
        double rawTime = measurement.Best(new RawPath(raw));
        double read = measurement.Best(new ReadPath(space.Space, address));
        double lease = measurement.Best(new LeasePath(space.Space, address));
        double pin = measurement.Best(new PinPath(space.Space, address));
        NativeMemory.AlignedFree(raw);
        space.Unmap(address, bytes);
        return new Measurement()
            .Add("raw_ns", rawTime)
            .Add("read_ns", read)
            .Add("lease_ns", lease)
            .Add("pin_ns", pin)
            .Add("read_extra_ns", read - rawTime)
            .Add("lease_extra_ns", lease - rawTime)
            .Add("read_ratio", read / rawTime)
            .Add("lease_ratio", lease / rawTime);
    }

    private double Best<TPath>(TPath path)
        where TPath : struct, IAccessPath
    {
        Warmup.UntilCompilerIsQuiet(() => _sum += ReadAll(path, _offsets.AsSpan(0, Reads)));
        double best = double.MaxValue;
        for (int window = 0; window < Windows; window++)
        {
            long begin = Stopwatch.GetTimestamp();
            _sum += ReadAll(path, _offsets.AsSpan(window * Reads, Reads));
            best = double.Min(best, Stopwatch.GetElapsedTime(begin).TotalNanoseconds / Reads);
        }

        return best;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long ReadAll<TPath>(TPath path, ReadOnlySpan<long> offsets)
        where TPath : struct, IAccessPath
    {
        long sum = 0;
        foreach (long offset in offsets)
        {
            sum += path.Read(offset);
        }

        return sum;
    }
}
