/** Starts a server, says where it is, and waits to be killed. */
import { openTestS3 } from './s3-server.ts'

const { endpoint } = await openTestS3('versitygw')
console.log(endpoint)
setInterval(() => undefined, 1000)
