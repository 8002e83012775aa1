using System.Runtime.CompilerServices;

namespace NativeMm.Lab.Experiments.Vmalloc;

internal sealed partial class TestWorkload<TRanges>
{
    private const int Shifts = 64;
    private const nuint LongPages = 100;
    private const nuint FixAlignPages = 5;

    // Twice the alignment of a kernel stack of 16 KiB.
    private const nuint FixAlignment = 32 << 10;

    private void FixSize(int thread, int operations)
    {
        int failed = 0;
        nuint bytes = (nuint)pages * Page;
        for (int i = 0; i < operations; i++)
        {
            failed += Cycle(bytes, Page);
        }

        _tallies[thread].Add(operations, failed);
    }

    private void FullFit(int thread, int operations)
    {
        int failed = 0;
        for (int i = 0; i < operations; i++)
        {
            failed += Cycle(Page, Page);
        }

        _tallies[thread].Add(operations, failed);
    }

    private void LongBusyList(int thread, int operations)
    {
        int failed = 0;
        for (int i = 0; i < operations; i++)
        {
            nuint many = ranges.Alloc(LongPages * Page, Page);
            nuint one = ranges.Alloc(Page, Page);
            failed += many == 0 || one == 0 ? 1 : 0;
            TouchAndFree(many, LongPages * Page);
            TouchAndFree(one, Page);
        }

        _tallies[thread].Add(operations, failed);
    }

    private void RandomSize(int thread, int operations)
    {
        int failed = 0;
        nuint[] table = _sizes[thread];
        for (int i = 0; i < operations; i++)
        {
            failed += Cycle(table[i & (TableLength - 1)], Page);
        }

        _tallies[thread].Add(operations, failed);
    }

    private void FixAlign(int thread, int operations)
    {
        int failed = 0;
        for (int i = 0; i < operations; i++)
        {
            failed += Cycle(FixAlignPages * Page, FixAlignment);
        }

        _tallies[thread].Add(operations, failed);
    }

    private void RandomSizeAlign(int thread, int operations)
    {
        int failed = 0;
        nuint[] table = _sizes[thread];
        nuint[] alignments = _alignments[thread];
        for (int i = 0; i < operations; i++)
        {
            failed += Cycle(table[i & (TableLength - 1)], alignments[i & (TableLength - 1)]);
        }

        _tallies[thread].Add(operations, failed);
    }

    private void AlignShift(int thread, int operations)
    {
        int failed = 0;
        for (int i = 0; i < operations; i++)
        {
            failed += Cycle(Page, (nuint)1 << (i % Shifts));
        }

        _tallies[thread].Add(operations, failed);
    }

    // In a whole round, all objects of a thread are alive before the first is freed.
    private void PerCore(int thread, int operations)
    {
        int failed = 0;
        nuint[] objects = _held[thread];
        nuint[] table = _sizes[thread];
        nuint[] alignments = _alignments[thread];
        for (int done = 0; done < operations; done += objects.Length)
        {
            Span<nuint> alive = objects.AsSpan(0, Math.Min(objects.Length, operations - done));
            for (int i = 0; i < alive.Length; i++)
            {
                alive[i] = ranges.AllocPerCore(table[i & (TableLength - 1)], alignments[i & (TableLength - 1)]);
                failed += alive[i] == 0 ? 1 : 0;
            }

            foreach (nuint handle in alive)
            {
                if (handle != 0)
                {
                    ranges.FreePerCore(handle);
                }
            }
        }

        _tallies[thread].Add(operations, failed);
    }

    private void MapRam(int thread, int operations)
    {
        int failed = 0;
        for (int i = 0; i < operations; i++)
        {
            nuint address = ranges.MapRam(thread, pages);
            failed += address == 0 ? 1 : 0;
            if (address != 0)
            {
                Touch(address, (nuint)pages * Page);
                ranges.UnmapRam(address, pages);
            }
        }

        _tallies[thread].Add(operations, failed);
    }

    private void NoBlock(int thread, int operations)
    {
        int failed = 0;
        nuint bytes = (nuint)pages * Page;
        for (int i = 0; i < operations; i++)
        {
            nuint address = ranges.AllocNoBlock(bytes);
            failed += address == 0 ? 1 : 0;
            TouchAndFree(address, bytes);
        }

        _tallies[thread].Add(operations, failed);
    }

    /// <summary>Allocates, writes and frees; 1 when there was nothing to free.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Cycle(nuint bytes, nuint alignment)
    {
        nuint address = ranges.Alloc(bytes, alignment);
        TouchAndFree(address, bytes);
        return address == 0 ? 1 : 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void TouchAndFree(nuint address, nuint bytes)
    {
        if (address != 0)
        {
            Touch(address, bytes);
            ranges.Free(address, bytes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Touch(nuint address, nuint bytes)
    {
        for (nuint offset = 0; offset < bytes; offset += Page)
        {
            *(byte*)(address + offset) = 1;
        }
    }
}
