using System.Numerics;
using NativeMm.Diagnostics;
using NativeMm.Platform;

namespace NativeMm.Buffers;

/// <summary>
/// Which pages of a file are taken: one bit each. Hands out runs that lie together, as long as there are any; the file grows before a batch is torn to pieces.
/// Not thread-safe.
/// </summary>
internal sealed unsafe class FilePageMap : IDisposable
{
    /// <summary>Pages that a write should have at least: 64 KiB.</summary>
    public const int RunWanted = 16;

    private const int WordBits = 64;

    private readonly IMemoryPlatform _platform;
    private readonly nuint _bytes;
    private nuint _base;
    private nuint _openBytes;
    private long _next;
    private long _searchedInVainAt = -1;

    /// <summary>Makes a map of an empty file.</summary>
    /// <param name="platform">Where the memory comes from.</param>
    /// <param name="pagesMax">Most pages of the file.</param>
    /// <exception cref="OutOfMemoryException">The system refuses the addresses.</exception>
    public FilePageMap(IMemoryPlatform platform, long pagesMax)
    {
        _platform = platform;
        PagesMax = pagesMax;
        _bytes = (nuint)((pagesMax + WordBits - 1) / WordBits * sizeof(ulong));
        PlatformResult result = platform.ReserveClosed(_bytes, platform.PageBytes, readable: false, out _base);
        if (!result.Succeeded)
        {
            throw new OutOfMemoryException(
                $"The system refuses {_bytes} bytes of addresses for the map of a file of {pagesMax} pages ({result}).{ResourceLimits.Explain(result, "its length")}");
        }
    }

    /// <summary>Gives the memory of a forgotten map back.</summary>
    ~FilePageMap() => Release();

    /// <summary>Most pages of the file.</summary>
    public long PagesMax { get; }

    /// <summary>Pages that the file has.</summary>
    public long Pages { get; private set; }

    /// <summary>Pages of the file that are taken.</summary>
    public long Taken { get; private set; }

    /// <summary>Takes pages that lie together.</summary>
    /// <param name="wanted">How many, at least 1.</param>
    /// <param name="first">The first one.</param>
    /// <returns>How many were taken: fewer where there is no longer run; 0 when the file is full, or there is no memory for its map.</returns>
    public int TakeRun(int wanted, out long first)
    {
        Invariant.Assert(wanted > 0, $"{wanted} places of a file are wanted.");
        int enough = Math.Min(wanted, RunWanted);
        int run = 0;
        first = 0;

        // After a search in vain the next one waits until an eighth of the file has come free.
        long free = Pages - Taken;
        if (free >= enough && (_searchedInVainAt < 0 || free >= _searchedInVainAt + (Pages / 8)))
        {
            run = Search(wanted, enough, out first);
            _searchedInVainAt = run >= enough ? -1 : free;
        }

        if (run < enough && Extend(wanted) is var grown && grown > 0)
        {
            first = Pages;
            run = grown;
            Pages += grown;
        }
        else if (run == 0)
        {
            run = Search(wanted, enough, out first);
        }

        for (long page = first; page < first + run; page++)
        {
            Invariant.Assert(!IsTaken(page), $"Place {page} of the file is taken a second time.");
            Word(page) |= Bit(page);
        }

        Taken += run;
        Invariant.Assert(run <= wanted && first + run <= Pages && Taken <= Pages, $"{run} places of {wanted} from {first} on are taken, of {Pages} in the file.");
        _next = first + run;
        return run;
    }

    /// <summary>Gives pages back.</summary>
    public void Give(long first, int count)
    {
        Invariant.Assert(count > 0 && first >= 0 && first + count <= Pages && count <= Taken, $"{count} places from {first} on become free, of {Taken} of {Pages} that are taken.");
        for (long page = first; page < first + count; page++)
        {
            Invariant.Assert(IsTaken(page), $"Place {page} of the file becomes free, and was.");
            Word(page) &= ~Bit(page);
        }

        Taken -= count;
    }

    /// <summary>Whether a page is taken.</summary>
    public bool IsTaken(long page) => (Word(page) & Bit(page)) != 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        Release();
    }

    private static ulong Bit(long page) => 1UL << (int)(page % WordBits);

    private ref ulong Word(long page)
    {
        Invariant.Assert(page >= 0 && page < Pages, $"Place {page} of the file is looked at, of {Pages}.");
        return ref ((ulong*)_base)[page / WordBits];
    }

    /// <summary>Looks for a free run from where the last one ended, once around; the longest there is if none is long enough.</summary>
    private int Search(int wanted, int enough, out long first)
    {
        first = 0;
        int longest = 0;
        for (int half = 0; half < 2 && longest < enough; half++)
        {
            (long at, long end) = half == 0 ? (Math.Min(_next, Pages), Pages) : (0, Math.Min(Pages, _next + enough));
            while (longest < enough && (at = Find(at, end, taken: false)) < end)
            {
                long stop = Find(at, Math.Min(end, at + wanted), taken: true);
                if (stop - at > longest)
                {
                    longest = (int)(stop - at);
                    first = at;
                }

                at = stop;
            }
        }

        Invariant.Assert(longest <= wanted && first + longest <= Pages, $"{longest} places from {first} on were found, of {wanted} in a file of {Pages}.");
        return longest;
    }

    /// <summary>The first page from one on that is taken, or free; the end if there is none.</summary>
    private long Find(long page, long end, bool taken)
    {
        while (page < end)
        {
            ulong word = taken ? Word(page) : ~Word(page);
            word >>= (int)(page % WordBits);
            if (word != 0)
            {
                return Math.Min(end, page + BitOperations.TrailingZeroCount(word));
            }

            page += WordBits - (page % WordBits);
        }

        return end;
    }

    /// <summary>How many pages the file may grow by.</summary>
    private int Extend(int wanted)
    {
        int pages = (int)Math.Min(wanted, PagesMax - Pages);
        Invariant.Assert(pages >= 0, $"A file of {Pages} pages grows to at most {PagesMax}.");
        nuint needed = (nuint)((Pages + pages + WordBits - 1) / WordBits * sizeof(ulong));
        while (_openBytes < needed)
        {
            // Whole pages of the system; the reservation is rounded up to them.
            if (!_platform.Open(_base + _openBytes, _platform.PageBytes).Succeeded)
            {
                return 0;
            }

            _openBytes += _platform.PageBytes;
        }

        return pages;
    }

    private void Release()
    {
        if (_base != 0)
        {
            _platform.ReleaseOrKeep(_base, _bytes);
            _base = 0;
        }
    }
}
