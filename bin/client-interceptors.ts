/**
 * gRPC interceptors of the Temporal client: the SDK's own retries, and an end to calls that are due for one when the connection has been
 * closed. The SDK tries again from a timer, where what a closed channel throws would end the process.
 */
import { type ConnectionOptions, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client'

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number]
type Call = ReturnType<Interceptor>

type Listener = NonNullable<Parameters<Call['start']>[1]>
type Status = Parameters<NonNullable<Listener['onReceiveStatus']>>[0]

/** CANCELLED: not tried again. */
// oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the enum is of a package that is not ours to import
const cancelled = 1 as Status['code']

const nothing = (): void => {}

const endWhenClosed: Interceptor = (options, nextCall) => {
  try {
    return nextCall(options) as Call
  } catch (error) {
    const details = error instanceof Error ? error.message : String(error)
    const over = {
      start: (metadata: Parameters<Call['start']>[0], listener?: Partial<Listener>) =>
        listener?.onReceiveStatus?.({ code: cancelled, details, metadata }),
      sendMessage: nothing,
      halfClose: nothing,
      startRead: nothing,
      cancelWithStatus: nothing,
      getPeer: () => '',
      getAuthContext: () => null,
    }
    return over as unknown as Call
  }
}

/** Options of every `Connection` of ours. */
export const withInterceptors = (options: ConnectionOptions): ConnectionOptions => ({
  ...options,
  interceptors: [makeGrpcRetryInterceptor(defaultGrpcRetryOptions()), endWhenClosed],
})
