using System.Diagnostics.CodeAnalysis;

namespace NativeMm.Diagnostics;

/// <summary>What to write down of an exception that goes no further. Thread-safe.</summary>
internal static class FailureText
{
    /// <summary>Its type and its message. Never throws, whatever the exception's own members do.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A message that throws must not take the place of the failure.")]
    public static string Of(Exception exception)
    {
        string type = exception.GetType().Name;
        try
        {
            return $"{type}: {exception.Message}";
        }
        catch (Exception second)
        {
            return $"{type}, whose message throws {second.GetType().Name}";
        }
    }
}
