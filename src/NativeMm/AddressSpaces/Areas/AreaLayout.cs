using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>
/// The layout of a space: its areas, the lock that they change under, and the rules of the kernel for how they come, go, split and merge. Every change is
/// checked and provided for before anything changes; what is not done has changed nothing.
/// </summary>
/// <remarks>The note of <see cref="VmaTree"/> says in which order a change is made, and why a fault without the lock never installs a page that it should not.</remarks>
internal sealed unsafe partial class AreaLayout
{
    /// <summary>First page that can be mapped: the first 64 KiB never are, so that null and what is near it is an error.</summary>
    public const ulong LowestPage = 16;

    /// <summary>The page behind the last that can be mapped: 47 bits of address, but for the last page.</summary>
    public const ulong EndPage = (1UL << 35) - 1;

    /// <summary>Pages below an area that grows down which no area is chosen to lie in (the kernel's stack guard gap of 1 MiB).</summary>
    public const ulong GuardPages = 256;

    /// <summary>Pages of a block of 2 MiB.</summary>
    public const ulong HugePages = 512;

    private readonly IPageTables _tables;
    private readonly VmaStore _store;
    private readonly VmaTree _tree;
    private ReaderWriterSleepLock _lock;
    private int _ended;

    // Whether the areas are gone, too. Owner: the writer.
    private bool _isEmpty;

    // Owner of the counts: the writer.
    private long _areas;
    private long _pages;
    private long _changes;
    private long _detached;

    /// <summary>Makes an empty layout.</summary>
    /// <param name="platform">Where records and nodes come from.</param>
    /// <param name="tables">The entries behind the areas.</param>
    /// <param name="options">Limits.</param>
    /// <param name="epochs">The epochs that readers without the lock are inside of.</param>
    /// <param name="chunkBytes">Bytes of records and nodes that are asked for at a time.</param>
    public AreaLayout(
        IMemoryPlatform platform, IPageTables tables, AddressSpaceOptions options, EpochDomain epochs, nuint chunkBytes = VmaStore.DefaultChunkBytes)
    {
        _tables = tables;
        _store = new VmaStore(platform, epochs, chunkBytes);
        _tree = new VmaTree(_store);
        Options = options;
    }

    /// <summary>The options in force.</summary>
    public AddressSpaceOptions Options { get; }

    /// <summary>The areas in order, for whoever looks a page up.</summary>
    public VmaTree Tree => _tree;

    /// <summary>Whether the space has ended. True may come at any moment, and is final.</summary>
    public bool HasEnded => Atomic.LoadAcquire(ref _ended) != 0;

    /// <summary>Takes the lock as one of its readers, as a classic fault does. The caller is outside of every epoch.</summary>
    /// <exception cref="ObjectDisposedException">The space is disposed; the lock is not taken.</exception>
    public void EnterRead()
    {
        if (!TryEnterRead())
        {
            throw LayoutFault.Gone(Options);
        }
    }

    /// <summary>Takes the lock as one of its readers, unless the space is disposed.</summary>
    public bool TryEnterRead()
    {
        _lock.EnterRead();
        if (_ended == 0)
        {
            return true;
        }

        _lock.ExitRead();
        return false;
    }

    /// <summary>Gives the lock up.</summary>
    public void ExitRead() => _lock.ExitRead();

    private bool TryEnterWrite()
    {
        _lock.EnterWrite();
        if (_ended == 0)
        {
            return true;
        }

        _lock.ExitWrite();
        return false;
    }
}
