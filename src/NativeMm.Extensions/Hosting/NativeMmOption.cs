namespace NativeMm.Extensions;

/// <summary>One option: how it is read from the configuration, and what it may be.</summary>
/// <param name="Key">Its name in the section; groups are parted by a colon.</param>
/// <param name="Range">What it may be, in words: "… it must be {Range}".</param>
/// <param name="TrySet">Reads a text into the options; false when it means nothing.</param>
/// <param name="Read">Its value, for messages.</param>
/// <param name="IsValid">Whether the value is in its range.</param>
internal sealed record NativeMmOption(
    string Key, string Range, Func<NativeMmOptions, string, bool> TrySet, Func<NativeMmOptions, object?> Read, Func<NativeMmOptions, bool> IsValid)
{
    /// <summary>The key in full, as it stands in the configuration.</summary>
    public string Path => $"{NativeMmOptions.SectionName}:{Key}";

    /// <summary>What to say of a value.</summary>
    public string Complaint(object? value) => FormattableString.Invariant($"{Path} is '{value}'; it must be {Range}.");
}
