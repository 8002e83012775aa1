using NativeMm.Explorer.Machine;

namespace NativeMm.Explorer.Running;

/// <summary>The library with one label's places weakened.</summary>
/// <param name="Label">The label with its file's family in front, as <c>SeqCount[S3]</c>.</param>
/// <param name="Kind">What is wrong there.</param>
internal sealed record BadCopy(string Label, Weakening Kind = Weakening.Relaxed)
{
    /// <summary>The library as it is.</summary>
    public static readonly BadCopy None = new("", Weakening.None);

    /// <inheritdoc/>
    public override string ToString() => Kind == Weakening.None ? "" : $"{Label}:{Kind}";

    /// <summary>Reads what <see cref="ToString"/> writes.</summary>
    public static BadCopy Parse(string text) =>
        text.Length == 0 ? None : new BadCopy(text[..text.LastIndexOf(':')], Enum.Parse<Weakening>(text[(text.LastIndexOf(':') + 1)..], ignoreCase: true));
}
