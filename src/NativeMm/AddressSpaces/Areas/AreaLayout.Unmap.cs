namespace NativeMm.AddressSpaces;

/// <content>Areas that go.</content>
internal sealed unsafe partial class AreaLayout
{
    /// <summary>Unmaps whatever is mapped in a range. Allocates no managed memory, and fails only where an area is cut.</summary>
    public LayoutResult Unmap(VpnRange range)
    {
        if (!TryEnterWrite())
        {
            return new LayoutResult(LayoutOutcome.Ended);
        }

        try
        {
            return UnmapLocked(range);
        }
        finally
        {
            _lock.ExitWrite();
        }
    }

    private LayoutResult UnmapLocked(VpnRange range)
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
        _tables.Clear(range);
        return new LayoutResult(LayoutOutcome.Done);
    }
}
