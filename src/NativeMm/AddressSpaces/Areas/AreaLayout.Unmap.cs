namespace NativeMm.AddressSpaces;

/// <content>Areas that go.</content>
internal sealed unsafe partial class AreaLayout
{
    /// <summary>Unmaps whatever is mapped in a range. Allocates no managed memory, and fails only where an area is cut.</summary>
    /// <param name="range">The range.</param>
    /// <param name="release">What is to give the pages back when they are many, under no lock, if it is attached afterwards; null for here and now.</param>
    public LayoutResult Unmap(VpnRange range, TableRelease? release = null)
    {
        if (!TryEnterWrite())
        {
            return new LayoutResult(LayoutOutcome.Ended);
        }

        try
        {
            return UnmapLocked(range, release);
        }
        finally
        {
            _lock.ExitWrite();
        }
    }

    private LayoutResult UnmapLocked(VpnRange range, TableRelease? release)
    {
        AreaIntent remove = AreaIntent.Remove(range);
        AreaRewrite count = Rewrite(remove, dry: true);
        if (count.Removed == 0)
        {
            return new LayoutResult(LayoutOutcome.Done);
        }

        LayoutOutcome outcome = Provide(count);
        if (outcome != LayoutOutcome.Done)
        {
            return new LayoutResult(outcome);
        }

        if (!TryPrepareBoundaries(range))
        {
            return new LayoutResult(LayoutOutcome.NoFrames);
        }

        Apply(remove);
        if (release is null || !_tables.TryDetach(range, release))
        {
            _tables.Clear(range);
        }

        return new LayoutResult(LayoutOutcome.Done);
    }
}
