using System.Diagnostics;
using System.Runtime.InteropServices;
using NativeMm.AddressSpaces;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Faults;

/// <summary>Nanoseconds of each way to read eight bytes of a page that is there, beside a raw pointer over as much memory.</summary>
internal static unsafe class AccessMeasurement
{
    private const int Windows = 60;
    private const int Reads = 1 << 14;
    private const long Page = 4096;
    private const long Multiplier = 2_654_435_761;

    /// <summary>Measures over so many pages, taken in an order without a pattern.</summary>
    public static Measurement Measure(NativeSpace space, int pages)
    {
        long bytes = pages * Page;
        long address = space.Map(bytes, isHuge: false);
        byte* raw = (byte*)NativeMemory.AllocZeroed((nuint)bytes);
        for (long page = 0; page < pages; page++)
        {
            space.Touch(address + (page * Page), 0);
            raw[page * Page] = 1;
        }

        AddressSpace memory = space.Space;
        double rawTime = Best(pages, at => *(long*)(raw + at));
        double read = Best(pages, at => memory.Read<long>(address + at));
        double lease = Best(pages, at =>
        {
            using ReadLease held = memory.LeaseRead(address + at, sizeof(long));
            return MemoryMarshal.Read<long>(held.Span);
        });
        double pin = Best(pages, at =>
        {
            using PagePin held = memory.Pin(address + at, sizeof(long));
            return held.Length;
        });
        NativeMemory.Free(raw);
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

    private static double Best(int pages, Func<long, long> access)
    {
        double best = double.MaxValue;
        long sum = 0;
        for (int window = 0; window < Windows; window++)
        {
            long begin = Stopwatch.GetTimestamp();
            for (long i = 0; i < Reads; i++)
            {
                // Each page once in a while, never the next one; the low bits pick another line of each.
                long page = (i + ((long)window * Reads)) * Multiplier % pages;
                sum += access((page * Page) + ((i & 63) * 64));
            }

            best = double.Min(best, Stopwatch.GetElapsedTime(begin).TotalNanoseconds / Reads);
        }

        GC.KeepAlive(sum);
        return best;
    }
}
