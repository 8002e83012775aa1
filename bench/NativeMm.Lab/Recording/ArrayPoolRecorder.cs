using System.Diagnostics;
using System.Diagnostics.Tracing;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing;
using NativeMm.Lab.Traces;

namespace NativeMm.Lab.Recording;

/// <summary>
/// Listens to the array pools of a running .NET program and makes a trace of what was rented and returned. A buffer's size is the one that the pool
/// gave: what was asked for is in no event. The program need not be prepared and is slowed down by an event for each rent and return.
/// </summary>
internal static class ArrayPoolRecorder
{
    private const string Provider = "System.Buffers.ArrayPoolEventSource";
    private const string Rented = "BufferRented";
    private const string Returned = "BufferReturned";
    private const int BufferMegabytes = 64;
    private const int ShowEvery = 1 << 12;
    private static readonly TimeSpan s_stopPatience = TimeSpan.FromSeconds(10);

    /// <summary>Records until the program ends, the time is over, the trace is full, or the user interrupts.</summary>
    /// <param name="processId">The program.</param>
    /// <param name="target">Where the trace goes and when recording ends.</param>
    /// <param name="say">Takes the lines that say how it went.</param>
    /// <param name="stop">Ends the recording from outside.</param>
    /// <returns>Whether a trace was written.</returns>
    /// <exception cref="LabUsageException">There is no such .NET program, or it cannot be listened to.</exception>
    public static bool Record(int processId, RecordTarget target, Action<string> say, CancellationToken stop = default)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(target.Out))!);
        using EventPipeSession session = Connect(processId);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        ConsoleCancelEventHandler end = (_, pressed) =>
        {
            pressed.Cancel = true;
            ending.Cancel();
        };
        using CancellationTokenRegistration stopping = ending.Token.Register(() => Stop(session));
        using var writer = new TraceWriter(Path.GetFullPath(target.Out));
        var builder = new TraceBuilder(writer);
        Console.CancelKeyPress += end;
        using PosixSignalRegistration asked = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
        {
            signal.Cancel = true;
            ending.Cancel();
        });
        try
        {
            if (target.Patience is { } patience)
            {
                ending.CancelAfter(patience);
            }

            Listen(session, builder, writer, target.RecordsMax, ending);
        }
        finally
        {
            Console.CancelKeyPress -= end;
            RecordProgress.End();
        }

        if (!builder.Complete())
        {
            say("Nothing was recorded: no array was rented from a pool in that time.");
            return false;
        }

        say(target.Describe(builder, writer.Count));
        return true;
    }

    private static void Listen(EventPipeSession session, TraceBuilder builder, TraceWriter writer, uint recordsMax, CancellationTokenSource ending)
    {
        using var source = new EventPipeEventSource(session.EventStream);
        source.Dynamic.All += happened =>
        {
            if (happened.ProviderName != Provider || writer.Count >= recordsMax)
            {
                return;
            }

            Add(builder, happened);
            if (writer.Count >= recordsMax)
            {
                // The session is ended by another thread: the command waits until the events are drained, which is done here.
                ending.CancelAfter(TimeSpan.Zero);
            }

            if (writer.Count % ShowEvery == 0)
            {
                RecordProgress.Show(writer.Count);
            }
        };
        try
        {
            source.Process();
        }
        catch (Exception exception) when (exception is EndOfStreamException or IOException or FormatException)
        {
            // The program ended in the middle of an event; what came before it is whole.
        }
    }

    private static void Add(TraceBuilder builder, TraceEvent happened)
    {
        if (happened.EventName is not (Rented or Returned))
        {
            return;
        }

        // Two pools may give their buffers the same number; a number that is live already is taken for a return that was not seen.
        ulong key = ((ulong)(uint)Number(happened, "poolId") << 32) | (uint)Number(happened, "bufferId");
        uint thread = (uint)happened.ThreadID;
        if (happened.EventName == Rented)
        {
            builder.Allocate(TraceOperation.Allocate, thread, 0, key, (ulong)Number(happened, "bufferSize"));
        }
        else
        {
            builder.Free(thread, key);
        }
    }

    private static int Number(TraceEvent happened, string field) => Convert.ToInt32(happened.PayloadByName(field), CultureInfo.InvariantCulture);

    private static EventPipeSession Connect(int processId)
    {
        try
        {
            var providers = new EventPipeProvider(Provider, EventLevel.Verbose, (long)EventKeywords.All);
            return new DiagnosticsClient(processId).StartEventPipeSession([providers], requestRundown: false, BufferMegabytes);
        }
        catch (Exception exception) when (exception is ServerNotAvailableException or DiagnosticsClientException or IOException or TimeoutException)
        {
            throw new LabUsageException(string.Create(
                CultureInfo.InvariantCulture,
                $"Process {processId} cannot be listened to: {exception.Message.TrimEnd('.')}. It must be a running .NET program of the same user, with the same TMPDIR."));
        }
    }

    private static void Stop(EventPipeSession session)
    {
        try
        {
            session.StopAsync(CancellationToken.None).Wait(s_stopPatience);
        }
        catch (Exception exception) when (exception is AggregateException or ServerNotAvailableException or IOException)
        {
            // The program is gone: the stream ends by itself.
            Debug.WriteLine(exception.Message);
        }
    }
}
