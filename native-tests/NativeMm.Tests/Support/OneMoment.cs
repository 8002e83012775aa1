using Xunit;

namespace NativeMm.Tests.Support;

/// <summary>
/// Whether what was seen is of one moment. A writer writes the same number into all pages, one after the other: at one moment the first pages are of some round,
/// and all others of the round before.
/// </summary>
internal static class OneMoment
{
    /// <summary>Fails the test if no one moment had these values.</summary>
    /// <param name="pages">How many.</param>
    /// <param name="read">Reads the number of a page.</param>
    public static void Check(int pages, Func<int, long> read)
    {
        long first = read(0);
        long before = first;
        for (int page = 1; page < pages; page++)
        {
            long value = read(page);
            Assert.True(
                value == before || (value == first - 1 && before == first),
                $"Page {page} is of round {value}, the one before of {before}, the first of {first}.");
            before = value;
        }
    }
}
