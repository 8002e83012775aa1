using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Primitives;

namespace NativeMm.Explorer.Cases;

/// <summary>A writer changes two words twice; a reader copies them.</summary>
internal sealed class SeqCountCase : Case
{
    private SeqCount _version;

    public override string Claim => "what a validated read copied belongs together";

    public override IReadOnlyList<BadCopy> BadCopies => [new("SeqCount[S1]"), new("SeqCount[S2]"), new("SeqCount[S3]"), new("SeqCount[S4]")];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 3);

    public override void Prepare(Plan plan)
    {
        _version = default;
        RacyCell left = new();
        RacyCell right = new();
        plan.Thread("writer", () =>
            {
                for (ulong value = 1; value <= 2; value++)
                {
                    _version.BeginWrite();
                    left.Write(value);
                    right.Write(value);
                    _version.EndWrite();
                }
            })
            .Thread("reader", () =>
            {
                if (_version.TryBeginRead(out ulong version))
                {
                    ulong seenLeft = left.Read();
                    ulong seenRight = right.Read();
                    if (_version.IsUnchanged(version))
                    {
                        Plan.Check(seenLeft == seenRight, $"a torn read was believed: {seenLeft} and {seenRight}");
                        Plan.Check(seenLeft * 2 == version, $"version {version} has {seenLeft}");
                    }
                }
            });
    }
}
