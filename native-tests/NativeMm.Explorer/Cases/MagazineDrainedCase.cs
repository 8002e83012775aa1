using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;

namespace NativeMm.Explorer.Cases;

/// <summary>As <see cref="MagazineCase"/>; then the owner pops until he is refused, by the thief or because nothing is left.</summary>
internal sealed class MagazineDrainedCase() : MagazineCase(pops: 3)
{
    public override string Claim => "the same, with pops that are refused";

    public override IReadOnlyList<BadCopy> BadCopies => [new("Magazine[M3]", Weakening.Dropped), new("NativeHeap[M5]")];
}
