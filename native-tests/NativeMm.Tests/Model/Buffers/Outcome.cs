namespace NativeMm.Tests.Model.Buffers;

/// <summary>What a call did, as text that can be compared: its result, or the exact type of its exception.</summary>
internal static class Outcome
{
    public static string Of(Func<object?> call)
    {
        try
        {
            return $"{call()}";
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or OutOfMemoryException)
        {
            return e.GetType().Name;
        }
    }

    public static string Of(Action call) => Of(() =>
    {
        call();
        return null;
    });
}
