using System.Globalization;

namespace NativeMm.Soak.Shadow;

/// <summary>Something that must never be: who saw it, where, what should be there and what is.</summary>
internal sealed class FindingException(string who, nuint address, string expected, string found, Exception? cause = null)
    : Exception(string.Create(CultureInfo.InvariantCulture, $"{who} at 0x{address:x}: expected {expected}, found {found}."), cause);
