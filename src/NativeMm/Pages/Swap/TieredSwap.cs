using NativeMm.AddressSpaces;
using NativeMm.Diagnostics;

namespace NativeMm.Buffers;

/// <summary>
/// Compressed pages in memory first; what does not compress, or has no place within the budget, goes to the file if there is one, and is refused if there is
/// none. The highest bit of a slot says that it is the file's.
/// </summary>
internal sealed class TieredSwap : ISwapBackend
{
    private const ulong FileBit = 1UL << (SwapSlot.Bits - 1);

    private readonly ISwapBackend _memory;
    private readonly ISwapBackend? _file;

    /// <summary>Puts tiers together, which are this one's from then on.</summary>
    /// <param name="memory">The first.</param>
    /// <param name="file">The second, if any.</param>
    public TieredSwap(ISwapBackend memory, ISwapBackend? file)
    {
        _memory = memory;
        _file = file;
    }

    /// <inheritdoc/>
    public int Store(ReadOnlySpan<nint> pages, Span<ulong> slots)
    {
        int stored = _memory.Store(pages, slots);
        return stored == pages.Length || _file is null ? stored : stored + StoreOnFile(_file, pages, slots);
    }

    /// <inheritdoc/>
    public SwapLoad Load(ulong slot, nint destination) => TierOf(ref slot).Load(slot, destination);

    /// <inheritdoc/>
    public void Free(ulong slot) => TierOf(ref slot).Free(slot);

    /// <inheritdoc/>
    public void Duplicate(ulong slot) => TierOf(ref slot).Duplicate(slot);

    /// <inheritdoc/>
    public SwapStatistics GetStatistics()
    {
        SwapStatistics memory = _memory.GetStatistics();
        SwapStatistics file = _file?.GetStatistics() ?? default;
        return file with
        {
            CompressedPages = memory.CompressedPages,
            CompressedBytes = memory.CompressedBytes,
            Stores = memory.Stores + file.Stores,
            Refusals = _file is null ? memory.Refusals : file.Refusals,
            Loads = memory.Loads + file.Loads,
            FailedLoads = memory.FailedLoads + file.FailedLoads,
        };
    }

    /// <inheritdoc/>
    public void Validate()
    {
        _memory.Validate();
        _file?.Validate();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _memory.Dispose();
        _file?.Dispose();
    }

    private static int StoreOnFile(ISwapBackend file, ReadOnlySpan<nint> pages, Span<ulong> slots)
    {
        Invariant.Assert(pages.Length <= SwapSlot.BatchMax && slots.Length >= pages.Length, $"{pages.Length} pages are stored at once, for {slots.Length} slots.");
        Span<nint> refused = stackalloc nint[SwapSlot.BatchMax];
        Span<ulong> places = stackalloc ulong[SwapSlot.BatchMax];
        int count = 0;
        for (int i = 0; i < pages.Length; i++)
        {
            if (!SwapSlot.IsStored(slots[i]))
            {
                refused[count++] = pages[i];
            }
        }

        int stored = file.Store(refused[..count], places);
        for (int i = 0, next = 0; i < pages.Length; i++)
        {
            if (!SwapSlot.IsStored(slots[i]))
            {
                ulong place = places[next++];
                Invariant.Assert(next <= count && (!SwapSlot.IsStored(place) || (place & FileBit) == 0), $"Place {place:x} of the file is slot {i} of {count} pages.");
                slots[i] = SwapSlot.IsStored(place) ? place | FileBit : SwapSlot.NoRoom;
            }
        }

        return stored;
    }

    private ISwapBackend TierOf(ref ulong slot)
    {
        Invariant.Assert(slot != 0 && ((slot & FileBit) == 0 || _file is not null), $"Slot {slot:x} is on a file that is not there.");
        if ((slot & FileBit) == 0)
        {
            return _memory;
        }

        slot &= ~FileBit;
        return _file!;
    }
}
