// Purpose      an array of small records that grows, whose records never move and never go back: whoever holds the number of a record may read
//              it at any time, whatever became of it.
// Ownership    chunk table | the caller of TryEnsure, under a lock of his own | anybody | release, acquire
// Ordering     [T1] the release of a chunk's address pairs with [T2] the acquire in Find: the chunk reads as zero, or newer.
// Progress     reads are wait-free.

using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.Zsmalloc;

/// <summary>Type-stable table of records of <c>2ⁿ</c> bytes in chunks of 1 MiB, straight from the platform, zero at first.</summary>
internal sealed unsafe class ZsTable
{
    private const int ChunkShift = 20;

    private readonly IMemoryPlatform _platform;
    private readonly int _recordShift;
    private readonly int _indexShift;
    private readonly uint _indexMask;
    private readonly nuint _directoryBytes;
    private nuint* _directory;

    private ZsTable(IMemoryPlatform platform, int recordShift, uint capacity)
    {
        _platform = platform;
        _recordShift = recordShift;
        _indexShift = ChunkShift - recordShift;
        _indexMask = (1u << _indexShift) - 1;
        Capacity = capacity;
        _directoryBytes = (((nuint)capacity >> _indexShift) + 1) * (nuint)sizeof(nuint);
    }

    /// <summary>Numbers that there may be at most: 0 up to this, this one excluded.</summary>
    public uint Capacity { get; }

    /// <summary>Makes an empty table.</summary>
    /// <param name="platform">Where the memory comes from.</param>
    /// <param name="recordShift">Binary logarithm of the size of a record.</param>
    /// <param name="capacity">Most records.</param>
    /// <param name="table">The table, or null when the platform refuses.</param>
    public static PlatformResult TryCreate(IMemoryPlatform platform, int recordShift, uint capacity, out ZsTable? table)
    {
        table = null;
        var candidate = new ZsTable(platform, recordShift, capacity);
        PlatformResult result = platform.Reserve(candidate._directoryBytes, platform.PageBytes, out nuint directory);
        if (result.Succeeded)
        {
            candidate._directory = (nuint*)directory;
            table = candidate;
        }

        return result;
    }

    /// <summary>A record that is known to exist.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* At(uint index) => (byte*)_directory[index >> _indexShift] + ((nuint)(index & _indexMask) << _recordShift);

    /// <summary>A record, or null when there never was one of that number in its chunk. The number is below the capacity.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Find(uint index)
    {
        nuint chunk = Atomic.LoadAcquire(ref _directory[index >> _indexShift]); // [T2] pairs with [T1]
        return chunk == 0 ? null : (byte*)chunk + ((nuint)(index & _indexMask) << _recordShift);
    }

    /// <summary>Makes sure that a record exists. The caller holds the lock of the table.</summary>
    /// <returns>False when the platform refuses, or the table is full.</returns>
    public bool TryEnsure(uint index)
    {
        if (index >= Capacity)
        {
            return false;
        }

        Invariant.Assert(_directory != null, $"Record {index} is wanted of a table that was given back.");
        ref nuint entry = ref _directory[index >> _indexShift];
        if (entry != 0)
        {
            return true;
        }

        if (!_platform.Reserve(1 << ChunkShift, _platform.PageBytes, out nuint chunk).Succeeded)
        {
            return false;
        }

        Invariant.Assert(index >> _indexShift == 0 || _directory[(index >> _indexShift) - 1] != 0, $"Record {index} has a chunk before the one in front of it.");
        Atomic.StoreRelease(ref entry, chunk); // [T1] pairs with [T2]
        return true;
    }

    /// <summary>Gives everything back. Nobody may use the table any more.</summary>
    public void Release()
    {
        if (_directory == null)
        {
            return;
        }

        for (nuint i = 0; i < _directoryBytes / (nuint)sizeof(nuint) && _directory[i] != 0; i++)
        {
            Give(_directory[i], 1 << ChunkShift);
        }

        Give((nuint)_directory, _directoryBytes);
        _directory = null;
    }

    private void Give(nuint address, nuint bytes)
    {
        _platform.ReleaseOrKeep(address, bytes);
    }
}
