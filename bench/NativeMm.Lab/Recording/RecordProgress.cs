using System.Globalization;

namespace NativeMm.Lab.Recording;

/// <summary>One line on standard error that is written over and over; on anything but a terminal it stays silent.</summary>
internal static class RecordProgress
{
    private static readonly bool s_isShown = !Console.IsErrorRedirected;

    /// <summary>Says how far the recording is.</summary>
    public static void Show(long records)
    {
        if (s_isShown)
        {
            Console.Error.Write(string.Create(CultureInfo.InvariantCulture, $"\rrecording: {records:n0} records "));
        }
    }

    /// <summary>Ends the line.</summary>
    public static void End()
    {
        if (s_isShown)
        {
            Console.Error.WriteLine();
        }
    }
}
