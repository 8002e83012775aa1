using System.Collections.Concurrent;
using NativeMm.AddressSpaces;
using NativeMm.Primitives;
using Xunit;

namespace NativeMm.Tests.Unit.AddressSpaces;

/// <summary>A swap of managed memory that can be told to refuse, to fail and to stop, and that knows every misuse of a slot.</summary>
internal sealed unsafe class SwapDouble : ISwapBackend
{
    private readonly ConcurrentDictionary<ulong, Entry> _entries = new();
    private long _next;
    private long _stores;

    /// <summary>What is said of a page instead of storing it; null to store.</summary>
    public Func<nint, ulong?>? Refuse { get; set; }

    /// <summary>What is said of a slot instead of loading it; null to load.</summary>
    public Func<ulong, SwapLoad?>? Fail { get; set; }

    /// <summary>Called when a batch is stored, before the pages are read the second time.</summary>
    public Action? Storing { get; set; }

    /// <summary>Called when a slot is loaded, before it is read.</summary>
    public Action<ulong>? Loading { get; set; }

    /// <summary>Slots with references.</summary>
    public int Slots => _entries.Count;

    /// <summary>Pages that were stored.</summary>
    public long Stores => Interlocked.Read(ref _stores);

    public int Store(ReadOnlySpan<nint> pages, Span<ulong> slots)
    {
        byte[][] before = new byte[pages.Length][];
        for (int i = 0; i < pages.Length; i++)
        {
            before[i] = Bytes(pages[i]).ToArray();
        }

        Storing?.Invoke();
        int stored = 0;
        for (int i = 0; i < pages.Length; i++)
        {
            Assert.True(Bytes(pages[i]).SequenceEqual(before[i]), "A page changed while it was stored.");
            slots[i] = Refuse?.Invoke(pages[i]) ?? Add(before[i]);
            stored += SwapSlot.IsStored(slots[i]) ? 1 : 0;
        }

        return stored;
    }

    public SwapLoad Load(ulong slot, nint destination)
    {
        Loading?.Invoke(slot);
        Entry entry = Find(slot);
        if (Fail?.Invoke(slot) is { } failure)
        {
            return failure;
        }

        entry.Content.CopyTo(new Span<byte>((void*)destination, Pfn.FrameBytes));
        Assert.True(entry.References > 0, $"Slot {slot} was freed while it was loaded.");
        return SwapLoad.Loaded;
    }

    public void Free(ulong slot)
    {
        Entry entry = Find(slot);
        int left = Interlocked.Decrement(ref entry.References);
        Assert.True(left >= 0, $"Slot {slot} was freed once too often.");
        if (left == 0)
        {
            Assert.True(_entries.TryRemove(slot, out _));
        }
    }

    public void Duplicate(ulong slot) => Assert.True(Interlocked.Increment(ref Find(slot).References) > 1, $"Slot {slot} had no reference.");

    public SwapStatistics GetStatistics() => new() { CompressedPages = Slots, Stores = Stores };

    public void Validate()
    {
    }

    public void Dispose() => Assert.Empty(_entries);

    private static ReadOnlySpan<byte> Bytes(nint page) => new((void*)page, Pfn.FrameBytes);

    private ulong Add(byte[] content)
    {
        ulong slot = (ulong)Interlocked.Increment(ref _next);
        Interlocked.Increment(ref _stores);
        _entries[slot] = new Entry(content);
        return slot;
    }

    private Entry Find(ulong slot) => _entries.TryGetValue(slot, out Entry? entry) ? entry : throw new InvalidOperationException($"Slot {slot} is free.");

    private sealed class Entry(byte[] content)
    {
        public int References = 1;

        public byte[] Content => content;
    }
}
