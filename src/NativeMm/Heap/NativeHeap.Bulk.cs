using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Heap;

/// <content>Many blocks in one call: the thread and the size class are looked up once.</content>
public sealed unsafe partial class NativeHeap
{
    /// <summary>Allocates as many blocks of one size as the span holds: all of them, or none and an exception.</summary>
    /// <param name="byteCount">Bytes of each block; 0 counts as 1.</param>
    /// <param name="blocks">Receives the addresses.</param>
    /// <exception cref="OutOfMemoryException">There is no memory for all of them; those already allocated are freed.</exception>
    public void AllocBulk(nuint byteCount, Span<nint> blocks)
    {
        int count = 0;
        while (count < blocks.Length)
        {
            // Anew after each refill: that may wait, and calls shrinkers.
            ThreadCache* cache = CurrentCache();
            void* next;
            if (cache == null || byteCount > SizeClass.BytesMax)
            {
                next = TryAllocCold(byteCount);
            }
            else
            {
                nuint sizeClass = SizeClass.IndexOfLast(Math.Max(byteCount, 1) - 1);
                next = PopUntilRefused(ThreadCache.MagazineOf(cache, sizeClass), blocks, ref count) ? TryAllocRefill(cache, sizeClass, byteCount) : null;
                if (count == blocks.Length)
                {
                    return;
                }
            }

            if (next == null)
            {
                FreeBulk(blocks[..count]);
                blocks.Clear();
                ThrowOutOfMemory(byteCount, AlignmentNatural);
            }

            Invariant.Assert(count < blocks.Length, $"A block was allocated for {blocks.Length} places, of which {count} are full.");
            blocks[count++] = (nint)next;
        }
    }

    /// <summary>Frees many blocks.</summary>
    /// <param name="blocks">Addresses; zeros are skipped.</param>
    /// <exception cref="MemoryFaultException">As <see cref="Free"/>; the blocks before the wrong one are freed, the others are not.</exception>
    public void FreeBulk(ReadOnlySpan<nint> blocks)
    {
        while (!blocks.IsEmpty)
        {
            blocks = blocks[PushUntilRefused(blocks)..];
            if (!blocks.IsEmpty)
            {
                FreeRest((void*)blocks[0]);
                blocks = blocks[1..];
            }
        }
    }

    /// <summary>Pops into the span from <paramref name="count"/> on.</summary>
    /// <returns>Whether a pop was refused, and a refill must follow.</returns>
    private static bool PopUntilRefused(Magazine magazine, Span<nint> blocks, ref int count)
    {
        int at = count;
        bool isRefused = false;
        while (at < blocks.Length)
        {
            isRefused = !magazine.TryPop(out nuint block);
            if (isRefused)
            {
                break;
            }

            blocks[at++] = (nint)block;
        }

        count = at;
        return isRefused;
    }

    /// <summary>Pushes blocks, each of any class, as far as the thread's magazines take them.</summary>
    /// <returns>How many.</returns>
    private int PushUntilRefused(ReadOnlySpan<nint> blocks)
    {
        ThreadCache* cache;
        try
        {
            cache = CurrentCache();
        }
        catch (OutOfMemoryException)
        {
            // As in TryFindCache: the free goes on without a cache.
            return 0;
        }

        Invariant.Assert(cache == null || cache->Tag == _tag, "Blocks are freed by a cache of another heap.");
        int at = 0;
        while (cache != null && at < blocks.Length && ThreadCache.TryClassOf(cache, (void*)blocks[at], out nuint sizeClass)
            && ThreadCache.MagazineOf(cache, sizeClass).TryPush((nuint)blocks[at]))
        {
            at++;
        }

        return at;
    }
}
