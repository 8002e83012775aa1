using System.Buffers;
using System.Runtime.InteropServices;
using NativeMm.Buffers;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Slabs;

/// <summary>
/// Blocks of all sizes out of pinned managed arrays. Whoever needs an array behind a <see cref="Memory{T}"/>, as sockets do for more than one segment, gets
/// one; and the pages of idle blocks go back to the system, where a garbage collection would be needed for any other array. Thread-safe.
/// </summary>
internal sealed class SlabStore : IIdlePass, ITrimmedPool, IDisposable
{
    /// <summary>Largest pooled block; larger ones are arrays of their own, left to the garbage collector at their return.</summary>
    public const int BlockBytesMax = 1 << 30;

    private const int PassesPerDelay = 5;
    private const int SlabDelays = 12;

    // Less is cleared sooner than its pages come back one by one.
    private const int ClearByDiscardBytesMin = 1 << 20;

    private readonly IMemoryPlatform _platform;
    private readonly SlabClass[] _classes;
    private readonly int _minShift;
    private readonly bool _canDiscard;

    // Of the pass under way; kept, so that a pass needs no managed memory as a rule.
    private readonly List<SlabRun> _runs = [];

    // Slabs that have left their class and are still to leave the map.
    private readonly List<Slab> _dropped = [];
    private SleepLock _passLock;
    private int _pass;
    private long _hugeRents;
    private long _hugeRentedBytes;
    private long _hugeReturnedBytes;
    private long _hugeReturns;
    private long _extraReturns;
    private long _refusals;

    /// <summary>Makes an empty store.</summary>
    /// <param name="name">Who uses it, in messages and metrics.</param>
    /// <param name="options">Valid ones.</param>
    /// <param name="time">Whose timer makes the passes.</param>
    /// <param name="platform">Who takes the pages.</param>
    public SlabStore(string name, BufferPoolOptions options, TimeProvider time, IMemoryPlatform platform)
    {
        Name = name;
        Options = options;
        _platform = platform;
        _canDiscard = platform.Capabilities.HasFlag(PlatformCapabilities.Discard);
        PageBytes = (int)platform.PageBytes;
        _minShift = int.TrailingZeroCount(options.BlockBytesMin);
        _classes = new SlabClass[int.Log2(BlockBytesMax) - _minShift + 1];
        for (int i = 0; i < _classes.Length; i++)
        {
            _classes[i] = new SlabClass(this, options.BlockBytesMin << i);
        }

        Checked = options.Checked ? new CheckedSlabs(this) : null;
        Passes = new IdlePasses(this, options.IdleDelay / PassesPerDelay, time, $"the buffer pool {name}");
        SlabStores.Add(this);
    }

    /// <summary>Who uses it.</summary>
    public string Name { get; }

    /// <summary>What it was made with.</summary>
    public BufferPoolOptions Options { get; }

    /// <summary>Size of a page of the system.</summary>
    public int PageBytes { get; }

    /// <summary>The timer.</summary>
    public IdlePasses Passes { get; }

    /// <summary>The slabs by address.</summary>
    public SlabMap Map { get; } = new();

    /// <summary>What the checked mode keeps; null outside of it.</summary>
    public CheckedSlabs? Checked { get; }

    /// <summary>The number of the present pass. A stale one makes a block look a little older or younger.</summary>
    public int PassNumber => _pass;

    /// <inheritdoc/>
    public bool HasWork => _dropped.Count != 0 || _classes.Any(one => one.HasSlabs);

    /// <summary>Takes a block, or an array of its own above <see cref="BlockBytesMax"/>.</summary>
    /// <param name="bytes">0 to <see cref="Array.MaxLength"/>.</param>
    /// <exception cref="OutOfMemoryException">There is no managed memory for another slab.</exception>
    public IMemoryOwner<byte> RentOwner(int bytes) => Checked is { } checks ? checks.Rent(bytes) : Rent(bytes);

    /// <summary>As <see cref="RentOwner"/>, without the checked mode.</summary>
    public SlabBlock Rent(int bytes)
    {
        if (bytes > BlockBytesMax)
        {
            return RentHuge(bytes);
        }

        int index = bytes <= Options.BlockBytesMin ? 0 : int.Log2(bytes - 1) + 1 - _minShift;
        SlabBlock block = _classes[index].Rent();
        block.BeginRent();
        return block;
    }

    /// <summary>Takes a block back. One that was returned already is left alone and counted.</summary>
    /// <returns>Whether it was rented.</returns>
    public bool Return(SlabBlock block) => Return(block, byAddress: false, clear: false);

    /// <summary>Takes a block back that was handed out by its address. One that was not, or was returned already, is left alone and counted.</summary>
    /// <param name="block">The block.</param>
    /// <param name="clear">Whether it is cleared.</param>
    /// <returns>Whether it was rented so.</returns>
    public bool ReturnByAddress(SlabBlock block, bool clear) => Return(block, byAddress: true, clear);

    /// <summary>
    /// Makes bytes of a rented block read as zero. The whole pages of many go back to the system, so that what nobody writes takes no memory.
    /// </summary>
    /// <param name="bytes">A part of a block, which is pinned.</param>
    public unsafe void Clear(Span<byte> bytes)
    {
        if (_canDiscard && bytes.Length >= ClearByDiscardBytesMin)
        {
            fixed (byte* first = bytes)
            {
                AddressRange pages = new AddressRange((nuint)first, (nuint)bytes.Length).WholePages((nuint)PageBytes);
                if (_platform.Discard(pages.Address, pages.Bytes, DiscardMode.Now).Succeeded)
                {
                    int before = (int)(pages.Address - (nuint)first);
                    bytes[..before].Clear();
                    bytes[(before + (int)pages.Bytes)..].Clear();
                    return;
                }
            }
        }

        bytes.Clear();
    }

    /// <summary>Enters a new slab, first for whoever looks for an address of it.</summary>
    public void AddSlab(Slab slab, SlabClass one)
    {
        one.Reserve();
        try
        {
            Map.Add(slab);
        }
        catch (OutOfMemoryException)
        {
            one.Unreserve();
            throw;
        }

        one.Add(slab);
    }

    /// <summary>Gives all idle memory back at once.</summary>
    /// <returns>Bytes given back.</returns>
    /// <exception cref="MemoryFaultException">The checked mode found a write after a return.</exception>
    public long Trim()
    {
        Checked?.Release();
        using (_passLock.EnterScope())
        {
            long bytes = Discard(int.MinValue);
            Drop(int.MinValue);
            return bytes;
        }
    }

    /// <inheritdoc/>
    public bool RunIdlePass()
    {
        using (_passLock.EnterScope())
        {
            _pass++;
            Discard(PassesPerDelay);
            Drop(_canDiscard ? PassesPerDelay * SlabDelays : PassesPerDelay);
        }

        return HasWork;
    }

    /// <summary>Counts everything.</summary>
    public BufferPoolStatistics GetStatistics()
    {
        long rented = Atomic.LoadAcquire(ref _hugeRentedBytes);
        long returned = Atomic.LoadAcquire(ref _hugeReturnedBytes);
        long rentsNow = Atomic.LoadAcquire(ref _hugeRents) - Atomic.LoadAcquire(ref _hugeReturns);
        (long pooled, long reserved, long allocated, long evicted) = (0, rented - returned, rented, returned);
        foreach (SlabClass one in _classes)
        {
            SlabClassCounts counts = one.Count();
            rented += counts.Rents * counts.BlockBytes;
            returned += counts.Returns * counts.BlockBytes;
            rentsNow += counts.Rents - counts.Returns;
            pooled += counts.IdleResident * counts.BlockBytes;
            reserved += counts.Blocks * counts.BlockBytes;
            allocated += counts.Allocated * counts.BlockBytes;
            evicted += counts.Evicted * counts.BlockBytes;
        }

        long extra = Atomic.LoadAcquire(ref _extraReturns) + (Checked?.ExtraReturns ?? 0);
        return new BufferPoolStatistics(
            rented - returned, pooled, reserved, rented, allocated, evicted, rentsNow, extra, Checked?.Forgotten ?? 0);
    }

    /// <summary>How often the system refused to take pages back.</summary>
    public long Refusals => Atomic.LoadAcquire(ref _refusals);

    /// <summary>Whether every count is right. At rest.</summary>
    public bool IsConsistent() => _classes.All(one => one.IsConsistent());

    /// <summary>
    /// Gives idle memory back. What is rented stays valid, and goes by the passes when it is returned: they rest when nothing is left. Never throws.
    /// </summary>
    public void Dispose() => SlabStores.TrimQuietly(this);

    private bool Return(SlabBlock block, bool byAddress, bool clear)
    {
        // Its list sees the stamp by the lock that it is put in under. Without a rent it belongs to that list already.
        if (!block.TryEndRent(byAddress))
        {
            Atomic.Add(ref _extraReturns, 1);
            return false;
        }

        if (clear)
        {
            // It is on no list yet, so it is nobody else's.
            block.Memory.Span.Clear();
        }

        if (block.Slab is not { } slab)
        {
            Atomic.Add(ref _hugeReturns, 1);
            Atomic.Add(ref _hugeReturnedBytes, block.Memory.Length);
            return true;
        }

        block.IdleSince = _pass;
        slab.Class.Return(block);
        return true;
    }

    private SlabBlock RentHuge(int bytes)
    {
        byte[] array = GC.AllocateUninitializedArray<byte>(bytes, pinned: true);
        Atomic.Add(ref _hugeRents, 1);
        Atomic.Add(ref _hugeRentedBytes, bytes);
        return new SlabBlock(this, array);
    }

    /// <summary>Gives pages of blocks back that have lain for long enough; all with an age of <see cref="int.MinValue"/>. Never throws.</summary>
    private long Discard(int age)
    {
        long bytes = 0;
        foreach (SlabClass one in _classes)
        {
            try
            {
                one.BeginDiscard(EffectiveNow(age), EffectiveAge(age), _canDiscard ? (nuint)PageBytes : 0, _runs);
            }
            catch (OutOfMemoryException)
            {
                // The runs that found room go; the others in a later pass.
            }

            // The runs are nobody's meanwhile, and no lock of the class is held.
            bytes += Discard(one, CollectionsMarshal.AsSpan(_runs));
            _runs.Clear();
        }

        return bytes;
    }

    /// <summary>By one call of the system for all runs; where that fails, or there is no managed memory for the list, by one for each.</summary>
    private long Discard(SlabClass one, ReadOnlySpan<SlabRun> runs)
    {
        if (runs.IsEmpty)
        {
            return 0;
        }

        if (TryDiscard(runs))
        {
            one.EndDiscard(runs, discarded: true);
            return BytesOf(runs);
        }

        long bytes = 0;
        for (int i = 0; i < runs.Length; i++)
        {
            ReadOnlySpan<SlabRun> run = runs.Slice(i, 1);
            bool done = _platform.Discard(run[0].Pages.Address, run[0].Pages.Bytes, DiscardMode.Now).Succeeded;
            Atomic.Add(ref _refusals, done ? 0 : 1);
            one.EndDiscard(run, done);
            bytes += done ? BytesOf(run) : 0;
        }

        return bytes;
    }

    private bool TryDiscard(ReadOnlySpan<SlabRun> runs)
    {
        try
        {
            var pages = new AddressRange[runs.Length];
            for (int i = 0; i < pages.Length; i++)
            {
                pages[i] = runs[i].Pages;
            }

            return _platform.Discard(pages, DiscardMode.Now).Succeeded;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    private static long BytesOf(ReadOnlySpan<SlabRun> runs)
    {
        long bytes = 0;
        foreach (SlabRun run in runs)
        {
            bytes += (long)run.Pages.Bytes;
        }

        return bytes;
    }

    /// <summary>Leaves slabs to the collector. Never throws: without managed memory for a new map they stay in the present one until a later pass.</summary>
    private void Drop(int age)
    {
        try
        {
            foreach (SlabClass one in _classes)
            {
                one.DropSlabs(EffectiveNow(age), EffectiveAge(age), whole: !_canDiscard, _dropped);
            }

            if (_dropped.Count != 0)
            {
                Map.Remove(_dropped);
                _dropped.Clear();
            }
        }
        catch (OutOfMemoryException)
        {
            // They have left their classes and are nobody's; the next pass strikes them out.
        }
    }

    private int EffectiveNow(int age) => age == int.MinValue ? int.MaxValue : _pass;

    private static int EffectiveAge(int age) => age == int.MinValue ? 0 : age;
}
