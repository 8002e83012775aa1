using NativeMm.Diagnostics;

namespace NativeMm.Buffers;

/// <summary>What the pages of one stripe, or of all, add up to.</summary>
internal struct PageTally
{
    public long Pages;
    public long SamePages;
    public long HugePages;

    /// <summary>Pages kept as they are that were ever stored.</summary>
    public long HugePagesSince;

    /// <summary>Bytes of the objects; those of huge pages count in full.</summary>
    public long ComprBytes;

    /// <summary>A page came in.</summary>
    public void Add(PageState state)
    {
        Change(state, 1);
        HugePagesSince += state.Kind == PageKind.Huge ? 1 : 0;
    }

    /// <summary>A page went.</summary>
    public void Remove(PageState state) => Change(state, -1);

    /// <summary>Adds up two tallies.</summary>
    public void Add(in PageTally other)
    {
        Pages += other.Pages;
        SamePages += other.SamePages;
        HugePages += other.HugePages;
        HugePagesSince += other.HugePagesSince;
        ComprBytes += other.ComprBytes;
    }

    private void Change(PageState state, int sign)
    {
        Invariant.Assert(state.Kind != PageKind.None && state.Bytes >= 0, $"A page that is {state.Kind} and has {state.Bytes} bytes is counted.");
        Pages += sign;
        SamePages += state.Kind == PageKind.SameFilled ? sign : 0;
        HugePages += state.Kind == PageKind.Huge ? sign : 0;
        ComprBytes += (long)sign * state.Bytes;
        Invariant.Assert(
            SamePages >= 0 && HugePages >= 0 && ComprBytes >= 0 && SamePages + HugePages <= Pages,
            $"{Pages} pages have {ComprBytes} bytes; {SamePages} are same-filled and {HugePages} huge.");
    }
}
