using System.Diagnostics.CodeAnalysis;

namespace NativeMm.Diagnostics;

/// <summary>What to write down of an exception that goes no further. Thread-safe.</summary>
internal static class FailureText
{
    /// <summary>
    /// Its type and its message. Never throws, whatever the exception's own members do, but for lack of managed memory. Of an
    /// <see cref="OutOfMemoryException"/> the type alone: the runtime looks its message up among its resources, and when there is no memory for that
    /// either, its search for a message calls itself until the stack is used up.
    /// </summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "A message that throws must not take the place of the failure.")]
    public static string Of(Exception exception)
    {
        if (exception is OutOfMemoryException)
        {
            return nameof(OutOfMemoryException);
        }

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
