using NativeMm.Buffers;
using Xunit;

namespace NativeMm.Extensions.Tests.Streams;

/// <summary>Calls that fail, or come after the disposal: the exception comes where that of the framework's stream does, from the call or in its task.</summary>
public sealed class NativeMemoryStreamEndTests
{
    private static readonly byte[] s_buffer = new byte[10];

    public static TheoryData<string> Calls => [.. s_calls.Keys];

    private static readonly Dictionary<string, Func<Stream, CancellationToken, Task>> s_calls = new()
    {
        ["flush"] = (stream, _) => { stream.Flush(); return Task.CompletedTask; },
        ["flush async"] = (stream, cancellation) => stream.FlushAsync(cancellation),
        ["read"] = (stream, cancellation) => stream.ReadAsync(s_buffer, cancellation).AsTask(),
        ["read an array"] = (stream, cancellation) => stream.ReadAsync(s_buffer, 0, 5, cancellation),
        ["read beyond an array"] = (stream, cancellation) => stream.ReadAsync(s_buffer, 8, 5, cancellation),
        ["write"] = (stream, cancellation) => stream.WriteAsync(s_buffer, cancellation).AsTask(),
        ["write an array"] = (stream, cancellation) => stream.WriteAsync(s_buffer, 0, 5, cancellation),
        ["write no array"] = (stream, cancellation) => stream.WriteAsync(null!, 0, 5, cancellation),
        ["copy"] = (stream, cancellation) => stream.CopyToAsync(Stream.Null, cancellation),
        ["copy to nothing"] = (stream, cancellation) => stream.CopyToAsync(null!, cancellation),
        ["copy by nothing"] = (stream, cancellation) => stream.CopyToAsync(Stream.Null, 0, cancellation),
        ["copy to what cannot be written"] = (stream, cancellation) => stream.CopyToAsync(new MemoryStream([], writable: false), cancellation),
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public void Call_fails_where_that_of_the_frameworks_stream_does(string call)
    {
        foreach (bool isCancelled in (bool[])[false, true])
        {
            foreach (bool isDisposed in (bool[])[false, true])
            {
                using var expected = new MemoryStream();
                using var actual = new NativeMemoryStream();
                Assert.Equal(
                    $"{isCancelled} {isDisposed}: {Outcome(expected, s_calls[call], isCancelled, isDisposed)}",
                    $"{isCancelled} {isDisposed}: {Outcome(actual, s_calls[call], isCancelled, isDisposed)}");
            }
        }
    }

    [Fact]
    public void Writer_may_end_after_its_stream()
    {
        var stream = new NativeMemoryStream();
        var writer = new StreamWriter(stream);
        writer.Write("all of it");
        writer.Flush();
        stream.Dispose();
        writer.Dispose();
    }

    private static string Outcome(Stream stream, Func<Stream, CancellationToken, Task> call, bool isCancelled, bool isDisposed)
    {
        stream.Write(s_buffer);
        stream.Position = 2;
        if (isDisposed)
        {
            stream.Dispose();
        }

        Task task;
        try
        {
            task = call(stream, new CancellationToken(isCancelled));
        }
        catch (Exception failure)
        {
            return $"throws {failure.GetType().Name}";
        }

        return task.IsFaulted ? $"fails by {task.Exception!.InnerException!.GetType().Name}" : task.Status.ToString();
    }
}
