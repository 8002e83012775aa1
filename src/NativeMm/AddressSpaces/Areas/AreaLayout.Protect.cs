namespace NativeMm.AddressSpaces;

/// <content>Areas that change while their pages stay.</content>
internal sealed unsafe partial class AreaLayout
{
    /// <summary>Gives a range, which is mapped without a hole, another protection.</summary>
    /// <returns>The page that is not mapped, if there is one.</returns>
    public LayoutResult Protect(VpnRange range, Protection protection) => Modify(range, new AreaChange(protection));

    /// <summary>Changes the areas of a range, which is mapped without a hole.</summary>
    /// <returns>The page that is not mapped, if there is one.</returns>
    public LayoutResult Modify(VpnRange range, AreaChange change)
    {
        if (!TryEnterWrite())
        {
            return new LayoutResult(LayoutOutcome.Ended);
        }

        try
        {
            return ModifyLocked(range, change);
        }
        finally
        {
            _lock.ExitWrite();
        }
    }

    /// <summary>Makes the pages of a range, which is mapped without a hole, the first to leave, or frees them.</summary>
    /// <returns>The page that is not mapped, if there is one.</returns>
    public LayoutResult Discard(VpnRange range, bool free)
    {
        if (!TryEnterWrite())
        {
            return new LayoutResult(LayoutOutcome.Ended);
        }

        try
        {
            if (!IsCovered(range, out ulong missing))
            {
                return new LayoutResult(LayoutOutcome.NotMapped, missing);
            }

            if (!free)
            {
                _tables.Cool(range);
                return new LayoutResult(LayoutOutcome.Done);
            }

            if (!TryPrepareBoundaries(range))
            {
                return new LayoutResult(LayoutOutcome.NoFrames);
            }

            _tables.Clear(range);
            return new LayoutResult(LayoutOutcome.Done);
        }
        finally
        {
            _lock.ExitWrite();
        }
    }

    /// <summary>Whether a range is mapped without a hole at this moment.</summary>
    /// <returns>The page that is not mapped, if there is one.</returns>
    public LayoutResult Covers(VpnRange range)
    {
        if (!TryEnterRead())
        {
            return new LayoutResult(LayoutOutcome.Ended);
        }

        bool covered = IsCovered(range, out ulong missing);
        ExitRead();
        return covered ? new LayoutResult(LayoutOutcome.Done) : new LayoutResult(LayoutOutcome.NotMapped, missing);
    }

    private LayoutResult ModifyLocked(VpnRange range, AreaChange change)
    {
        if (!IsCovered(range, out ulong missing))
        {
            return new LayoutResult(LayoutOutcome.NotMapped, missing);
        }

        AreaIntent modify = AreaIntent.Modify(range, change);
        AreaRewrite count = Rewrite(modify, dry: true);
        if (count.Added == 0)
        {
            return new LayoutResult(LayoutOutcome.Done);
        }

        LayoutOutcome outcome = Provide(count);
        if (outcome != LayoutOutcome.Done)
        {
            return new LayoutResult(outcome);
        }

        if (change.Protection is not null && !TryPrepareBoundaries(range))
        {
            return new LayoutResult(LayoutOutcome.NoFrames);
        }

        Apply(modify);
        if (change.Protection is { } protection)
        {
            _tables.Protect(range, protection);
        }

        return new LayoutResult(LayoutOutcome.Done);
    }
}
